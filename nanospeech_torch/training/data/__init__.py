"""How recordings become training batches, from disk to tensors:

1. prepared shard (`shards.py`): a tar file, or a folder, with an audio and a json file per utterance.
2. corpus index (`corpus.py`): an `IndexEntry` for each utterance, with its ids and durations; audio stays on
   disk.
3. utterance (`utterances.py`): an `IndexEntry` with its audio decoded to a mel.
4. sequence (`batch_plans.py`): one or more utterances of one voice, joined. A `BatchPlan` lists the sequences
   of one batch.
5. batch (`batch.py`, `loading.py`): the sequences of a plan, padded: `Batch`.

The tasks add what their losses need: `JointBatch` (acoustic/batch.py) contains a `Batch` and its masks,
`AlignmentBatch` (aligner/batch.py) pads utterances one by one. The vocoder needs no text: a `CropBatch`
(vocoder/batch.py) holds crops of recordings.
"""
