"""Syntax elements of the macroblock layer (7.3.5) in both entropy codings: CAVLC (9.2) and CABAC (9.3)."""
