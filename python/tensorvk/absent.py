"""Names of TensorRT that are not here, and what a program does instead: AttributeError says it."""

from __future__ import annotations

_PLUGINS = (
    "plug-ins are not offered yet, so write the operation as layers of the network, or as ONNX operators that "
    "OnnxParser.supports_operator() knows; init_libnvinfer_plugins() is there and does nothing"
)
_REFITTING = "weights of a built engine cannot be replaced, so build again: with a timing cache that takes seconds"
_CALIBRATION = (
    "INT8 calibration is not offered, so give a model with QuantizeLinear and DequantizeLinear, as quantization tools "
    "write it: it computes in int8 without a flag (docs/quantization.md)"
)
_SELECTORS = (
    "kernels are chosen by their times alone, so repeat a choice with a timing cache (config.timing_cache_path, "
    "ITimingCache) and limit it with config.max_num_tactics"
)
_ALLOCATORS = (
    "device memory is the engine's own or the caller's addresses, so give outputs an IOutputAllocator, or a context "
    "its memory (create_execution_context_without_device_memory)"
)
_STREAMS = "plans are bytes, so read or write the file and use deserialize_cuda_engine(bytes) or IHostMemory"
_DEBUG = "debug tensors are not offered, so mark the tensor as an output of the network"
_CONFIGURATIONS = "engines have one form, so call engine.serialize() and create_execution_context() without it"
_TIMINGS = "single timings cannot be edited, so keep whole caches with ITimingCache.serialize() and combine()"
_VERSIONS = "interfaces have one version here, so derive from the class itself, such as ILogger or IProfiler"
_PARSERS = "its model format has left TensorRT too, so convert the model to ONNX and use OnnxParser"
_BINDINGS = "it belongs to TensorRT's own bindings and has nothing to do here, so leave it out"

_REASONS = {
    _PLUGINS: """
        get_plugin_registry get_builder_plugin_registry _plugin_registry plugin IPluginRegistry IPluginCreator
        IPluginCreatorInterface IPluginCreatorV3One IPluginCreatorV3Quick IPluginV2 IPluginV2Ext IPluginV2DynamicExt
        IPluginV3 IPluginV3OneCore IPluginV3OneBuild IPluginV3OneBuildV2 IPluginV3OneRuntime IPluginV3QuickCore
        IPluginV3QuickBuild IPluginV3QuickAOTBuild IPluginV3QuickRuntime IPluginCapability IPluginResource
        IPluginResourceContext IPluginV2Layer IPluginV3Layer PluginField PluginFieldCollection PluginFieldCollection_
        PluginFieldType PluginCapabilityType PluginCreatorVersion PluginArgDataType PluginArgType PluginTensorDesc
        DynamicPluginTensorDesc DimsExprs IDimensionExpr IExprBuilder DimensionOperation TensorRTPhase
        QuickPluginCreationRequest KernelLaunchParams ISymExpr ISymExprs
    """,
    _REFITTING: "Refitter OnnxParserRefitter WeightsRole",
    _CALIBRATION: """
        IInt8Calibrator IInt8LegacyCalibrator IInt8EntropyCalibrator IInt8EntropyCalibrator2 IInt8MinMaxCalibrator
        CalibrationAlgoType
    """,
    _SELECTORS: "IAlgorithmSelector IAlgorithm IAlgorithmContext IAlgorithmIOInfo IAlgorithmVariant",
    _ALLOCATORS: "IGpuAllocator IGpuAsyncAllocator AllocatorFlag",
    _STREAMS: "IStreamReader IStreamReaderV2 IStreamWriter SeekPosition",
    _DEBUG: "IDebugListener",
    _CONFIGURATIONS: "ISerializationConfig IRuntimeConfig EngineStat",
    _TIMINGS: "TimingCacheKey TimingCacheValue",
    _VERSIONS: "IVersionedInterface InterfaceInfo APILanguage",
    _PARSERS: """
        CaffeParser UffParser UffInputOrder IBlobNameToTensor ICaffePluginFactoryV2 FieldCollection FieldMap FieldType
    """,
    _BINDINGS: "FallbackString shutdown_protobuf_library",
}

NAMES = {name: reason for reason, names in _REASONS.items() for name in names.split()}


def sentence(name: str) -> str:
    """What AttributeError says of a name that the package does not have."""
    plain = f"module 'tensorvk' has no attribute {name!r}"
    return f"{plain}: {NAMES[name]}." if name in NAMES else plain
