"""Tables of readings: each file has rules for one kind of text. `normalize.TABLES` has their order."""
