"""The package inside other libraries: adapters that speak the language of imageio, Pillow, numcodecs, Zarr and OpenCV.

    codec.compat.imageio      plugin of imageio 3: JPEG, GIF, APNG and H.264
    codec.compat.pillow       Pillow reads and writes JPEG, and reads H.264, through this package
    codec.compat.numcodecs    compressors of Zarr 2 chunks
    codec.compat.zarr         a codec of Zarr 3 arrays
    codec.compat.cv2          imread, imwrite, imencode, imdecode with the conventions of OpenCV

Each is a module that is imported by its full name; none is loaded before, nor is the library that it adapts to.
"""
