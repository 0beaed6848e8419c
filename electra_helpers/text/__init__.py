"""Documents → batches: tokenizer, vocabulary, packing and rows.

The way of a sentence: the *tokenizer* turns each document into ids, *packing* lays the ids out in rows of equal length, and a *batch*
of rows is what the model sees. Where documents come from is `reading`.
"""
