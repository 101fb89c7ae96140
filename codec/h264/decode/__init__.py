"""The decoder: NAL units to frames, slices on threads, concealment of lost macroblocks."""
