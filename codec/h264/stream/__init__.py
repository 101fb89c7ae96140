"""Bits to structures and back: NAL units, parameter sets, slice headers, SEI messages (clause 7, Annexes B, D and E)."""
