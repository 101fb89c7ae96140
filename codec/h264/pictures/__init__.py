"""Which pictures there are: their order, the lists of references, the decoded picture buffer, slice groups (8.2, C.4), and their buffers."""
