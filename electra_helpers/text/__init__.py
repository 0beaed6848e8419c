"""Words → batches: tokenizer, corpora, packing and labelled data.

The way of a sentence: a *corpus* yields documents, the *tokenizer* turns each into ids, *packing* lays the ids out in
rows of equal length, and a *batch* of rows is what the model sees.
"""
