"""Files → documents and labelled rows: encodings, formats, tables, folders, the hub, and how each was understood."""
