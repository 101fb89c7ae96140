"""Pictures: their order, reference lists, the decoded picture buffer, slice groups (8.2, C.4), and their memory."""
