"""Characters of several readings: a table of words and contexts, and 得 and 地 by the words around them."""
