"""The commands: one file each, and the flags that they share."""
