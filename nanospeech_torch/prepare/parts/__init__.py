"""Preparing in parts, one for each job of an array, and joining them.

`packs.py` has the files of a part: what became of each recording, in order. `folder.py` knows where they are,
`part.py` prepares a part, and `join.py` writes from all parts the shards and the report of one run.
"""
