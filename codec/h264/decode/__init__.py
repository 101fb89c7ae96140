"""The decoder: NAL units in, frames out; slices on threads; lost macroblocks concealed."""
