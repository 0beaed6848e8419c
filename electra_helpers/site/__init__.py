"""The website: every notebook and document as a page, and the explorer with an ELECTRA that runs in the reader's browser.

`python -m electra_helpers.site build/site` writes it from the stored outputs: no notebook is run. It opens from a folder as from a server.
"""
