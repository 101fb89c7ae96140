"""Bitstream syntax, read and written: NAL units, parameter sets, slice headers, SEI (clause 7, Annexes B, D, E)."""
