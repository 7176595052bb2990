"""Characters of several readings that pypinyin reads wrongly: a table of words and contexts, and rules for 得 and 地."""
