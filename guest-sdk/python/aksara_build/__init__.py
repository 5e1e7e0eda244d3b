"""Makes a WebAssembly component of a plugin in Python: `python -m aksara_build PLUGIN -o NAME.wasm`."""
