"""Reading recordings from what users have: tables, lists, folders, shards and Hugging Face data sets.

`inputs.py` finds out what a source is, and reads it. Each other file knows one kind: `tables.py` (with
`rows.py` and `columns.py`), `lists.py`, `pairs.py`, `shards.py` and `hugging_face.py`. Whatever a source has
is a recording, perhaps with the reason why it cannot be used, or is counted in a remark.
"""
