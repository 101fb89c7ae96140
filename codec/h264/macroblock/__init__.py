"""Macroblocks: neighbours (6.4), motion (8.4.1), prediction (8.3, 8.4.2), residual (8.5, 8.6), deblocking (8.7)."""
