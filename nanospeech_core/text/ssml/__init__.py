"""SSML, the W3C's markup for speech, as a document: XML (`xml`), values (`values`), elements (`reader`)."""
