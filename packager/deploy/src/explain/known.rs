//! Exceptions whose cause and hint are known.

/// An exception by words of its line.
pub(super) struct Known {
    /// All of them must be there.
    says: &'static [&'static str],
    /// Without a full stop.
    pub(super) cause: &'static str,
    /// Without a full stop.
    pub(super) hint: &'static str,
}

const fn known(says: &'static [&'static str], cause: &'static str, hint: &'static str) -> Known {
    Known { says, cause, hint }
}

/// Finds the entry for an exception's line.
pub(super) fn find(exception: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.says.iter().all(|words| exception.contains(words)))
}

/// More special ones come first.
const KNOWN: &[Known] = &[
    known(
        &["cannot import name", "soft_unicode"],
        "this jinja2 needs a function that markupsafe 2.1 removed",
        "pin `markupsafe<2.1`, or use jinja2 3 or newer",
    ),
    known(
        &["cannot import name", "from 'jinja2'"],
        "this flask needs a function that jinja2 3.1 removed",
        "pin `jinja2<3.1` and `markupsafe<2.1`, or use flask 2 or newer",
    ),
    known(
        &["cannot import name", "from 'itsdangerous'"],
        "this flask needs a function that itsdangerous 2.1 removed",
        "pin `itsdangerous<2.1`, or use flask 2 or newer",
    ),
    known(
        &["cannot import name", "from 'werkzeug"],
        "this flask needs a function that newer releases of werkzeug removed",
        "pin `werkzeug<2.1` for flask 1, `werkzeug<3` for flask 2",
    ),
    known(
        &["cannot import name", "from 'collections'"],
        "the package is older than Python 3.10, which moved these names to `collections.abc`",
        "use a newer release of the package, or a base image with an older Python",
    ),
    known(
        &["cannot import name"],
        "the installed release of the package has no such name",
        "pin the release that the script was written for",
    ),
    known(
        &["version `GLIBC"],
        "a compiled package needs a newer C library than the image has",
        "use a newer base image, or an older release of the package",
    ),
    known(
        &["numpy.dtype size changed"],
        "a compiled package was built for another numpy",
        "pin `numpy<2`, or use a release of the package that was built for numpy 2",
    ),
    known(
        &["numpy.core.multiarray failed to import"],
        "a compiled package was built for another numpy",
        "pin `numpy<2`, or use a release of the package that was built for the installed numpy",
    ),
    known(
        &["_ARRAY_API not found"],
        "a compiled package was built for another numpy",
        "pin `numpy<2`, or use a release of the package that was built for numpy 2",
    ),
    known(
        &["module 'numpy' has no attribute"],
        "the code uses a name that newer releases of numpy removed",
        "pin `numpy<1.24` (or `numpy<2`), or use the name's replacement",
    ),
    known(
        &["unsupported pickle protocol"],
        "the model was pickled by a newer Python than the image has",
        "dump it with `protocol=4`, or use a base image with Python 3.8 or newer",
    ),
    known(
        &["Can't get attribute", "__main__"],
        "the model has a class or function of the script or notebook that trained it",
        "move it into a module beside the entry script, import it there, and pickle the model again",
    ),
    known(
        &["Can't get attribute"],
        "the model was pickled with another release of the package that this class is from",
        "pin the release that the model was trained with, or train the model again",
    ),
    known(
        &["has an incompatible dtype"],
        "the model was pickled with another release of scikit-learn",
        "pin the scikit-learn that the model was trained with, or train the model again",
    ),
    known(
        &["invalid load key"],
        "the model's file is not a pickle: another format, or what a failed download or Git LFS left in its place",
        "look at the first line of the file, fetch it again, and package",
    ),
    known(
        &["EOFError", "Ran out of input"],
        "the model's file is empty or cut short",
        "save or copy it again, and package",
    ),
    known(
        &["Unrecognized keyword arguments", "batch_shape"],
        "Keras 3 wrote the model, and the image has Keras 2",
        "use tensorflow 2.16 or newer, or save the model with the Keras of the image",
    ),
    known(
        &["'str' object has no attribute 'decode'"],
        "the Keras of the image is older than h5py 3, whose texts it cannot read",
        "pin `h5py<3`",
    ),
    known(
        &["Descriptors cannot"],
        "a package has code that protobuf 4 does not run",
        "pin `protobuf<3.21`, or use a newer release of the package",
    ),
    known(
        &["Attempting to deserialize object on a CUDA device"],
        "the model was saved on a GPU, and the service has none",
        "load it with `map_location=\"cpu\"`",
    ),
    known(
        &["Weights only load failed"],
        "torch 2.6 and newer load no classes from a file by default",
        "load it with `weights_only=False` if you trust the file, or save its `state_dict()`",
    ),
    known(
        &["in loading state_dict"],
        "the weights are of another model class than the script makes",
        "package the module with the class that the weights were saved from",
    ),
    known(
        &["CUDA driver version is insufficient"],
        "the driver of this machine is older than the CUDA in the image",
        "use a base image with an older CUDA, or a newer driver",
    ),
    known(
        &["Found no NVIDIA driver"],
        "the code asks for a GPU, and the service has none",
        "use the CPU where `torch.cuda.is_available()` is false, or deploy to machines with GPUs",
    ),
    known(
        &["no CUDA-capable device"],
        "the code asks for a GPU, and the service has none",
        "use the CPU if no GPU is there, or deploy to machines with GPUs",
    ),
    known(
        &["CUDA out of memory"],
        "the memory of the GPU is full",
        "load one model once, in init(); use fewer workers (WORKER_COUNT) or a larger GPU",
    ),
    known(
        &["MemoryError"],
        "the memory is full",
        "increase the memory of the machine or the service, or load a smaller model in init()",
    ),
    known(
        &["Unsupported model IR version"],
        "the onnxruntime of the image is older than the model's format",
        "use a newer onnxruntime, or save the model with an older `ir_version`",
    ),
    known(
        &["only *guarantees* support for models"],
        "the onnxruntime of the image is older than the model's operator set",
        "use a newer onnxruntime, or export the model with an older operator set",
    ),
    known(
        &["[E050]"],
        "the language model of spaCy is not in the image",
        "add it to the pip list by its address, as `https://.../en_core_web_sm-2.1.0.tar.gz`",
    ),
    known(
        &["LookupError", "nltk"],
        "the data of NLTK is not in the image",
        "register its folder as a model, and add it to `nltk.data.path` in init()",
    ),
    known(
        &["couldn't connect to 'https://huggingface.co'"],
        "the script downloads a model while it starts, and the service does not reach the server",
        "save it with `save_pretrained`, register the folder as a model, and load it from AZUREML_MODEL_DIR",
    ),
    known(
        &["Name or service not known"],
        "the script fetches something while it starts, and the service does not reach the server",
        "download it before, and register it as a model",
    ),
    known(
        &["Max retries exceeded"],
        "the script fetches something while it starts, and the service does not reach the server",
        "download it before, and register it as a model",
    ),
    known(
        &["IsADirectoryError"],
        "a folder is opened as a file",
        "a model that is a folder has its files below it: join the file's name to the path",
    ),
    known(
        &["NotADirectoryError"],
        "a file is used as a folder",
        "a model that is one file is its path: join nothing to it",
    ),
    known(&["Read-only file system"], "the service may not write there", "write below /tmp"),
    known(
        &["No space left on device"],
        "the disk of the service is full",
        "free space on the machine, or write less below /tmp",
    ),
    known(
        &["UnicodeDecodeError", "'ascii'"],
        "a file is read as ASCII",
        "open it with `encoding=\"utf-8\"`",
    ),
    known(
        &["load() missing 1 required positional argument: 'Loader'"],
        "PyYAML 6 asks for a loader",
        "write `yaml.safe_load(...)`, or pin `pyyaml<6`",
    ),
    known(
        &["module 'tensorflow' has no attribute"],
        "the script was written for TensorFlow 1",
        "write `import tensorflow.compat.v1 as tf`, or pin `tensorflow<2`",
    ),
    known(
        &["is not JSON serializable"],
        "run() returned something that JSON does not have",
        "return lists and numbers: `result.tolist()`",
    ),
];
