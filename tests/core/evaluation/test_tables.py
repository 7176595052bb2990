"""The tables that an evaluation and a benchmark print."""

from nanospeech_core.evaluation.tables import evaluation_table


def test_a_table_is_aligned_and_has_no_empty_columns():
    lines = evaluation_table(
        [
            {"setting": "masked", "count": 10, "wer": 8.861, "wer_ci": [1.3, 17.1], "dnsmos": 2.777},
            {"setting": "(reference)", "count": 10, "f0_sd": 2.5},
        ]
    ).splitlines()
    assert lines == [
        "setting      texts              WER %  DNSMOS  F0 sd, st",
        "masked          10  8.9 (1.3 to 17.1)    2.78          -",
        "(reference)     10                  -       -       2.50",
    ]
