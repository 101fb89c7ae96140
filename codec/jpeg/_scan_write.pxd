"""What the search for a scan script must know of the writer."""

cdef enum:
    MAX_BE = 1000           # correction bits that may wait behind an end-of-band run; T.81 sets no bound, this one keeps memory fixed
