// Enumerations of data types, builder and runtime.
#include "enum_table.hpp"
#include "support/dtype.hpp"
#include "tensorvk/onnx_parser.h"

namespace tensorvk::bindings {

namespace {

double item_size(DataType type) {
    const bool half_byte = type == DataType::kINT4 || type == static_cast<DataType>(10);
    return half_byte ? 0.5 : type == static_cast<DataType>(11) ? 1.0 : static_cast<double>(dtype_size(type));
}

void bind_data_types(py::module_& module) {
    auto type = add_enum<DataType>(module, "DataType", "Element type of a tensor.",
                                   {{"FLOAT", DataType::kFLOAT},
                                    {"HALF", DataType::kHALF},
                                    {"BF16", DataType::kBF16},
                                    {"INT8", DataType::kINT8},
                                    {"INT32", DataType::kINT32},
                                    {"INT64", DataType::kINT64},
                                    {"BOOL", DataType::kBOOL},
                                    {"UINT8", DataType::kUINT8},
                                    {"FP8", DataType::kFP8},
                                    {"INT4", DataType::kINT4},
                                    {"FP4", static_cast<DataType>(10)},
                                    {"E8M0", static_cast<DataType>(11)}});
    type.def_property_readonly(
        "itemsize",
        [](DataType self) {
            const double size = item_size(self);
            return size < 1.0 ? py::object(py::float_(size)) : py::object(py::int_(static_cast<int>(size)));
        },
        "Bytes of one element; 0.5 for 4-bit types.");
    add_enum<TensorIOMode>(
        module, "TensorIOMode", "Whether a tensor is an input or an output of an engine.",
        {{"NONE", TensorIOMode::kNONE}, {"INPUT", TensorIOMode::kINPUT}, {"OUTPUT", TensorIOMode::kOUTPUT}});
    add_enum<TensorLocation>(module, "TensorLocation", "Where a tensor's data is.",
                             {{"DEVICE", TensorLocation::kDEVICE}, {"HOST", TensorLocation::kHOST}});
    add_enum<TensorFormat>(module, "TensorFormat", "Memory layout of an input or output; TensorVK's edges are LINEAR.",
                           {{"LINEAR", TensorFormat::kLINEAR},
                            {"CHW2", TensorFormat::kCHW2},
                            {"HWC8", TensorFormat::kHWC8},
                            {"CHW4", TensorFormat::kCHW4},
                            {"CHW16", TensorFormat::kCHW16},
                            {"CHW32", TensorFormat::kCHW32},
                            {"DHWC8", TensorFormat::kDHWC8},
                            {"CDHW32", TensorFormat::kCDHW32},
                            {"HWC", TensorFormat::kHWC},
                            {"DLA_LINEAR", TensorFormat::kDLA_LINEAR},
                            {"DLA_HWC4", TensorFormat::kDLA_HWC4},
                            {"HWC16", TensorFormat::kHWC16},
                            {"DHWC", TensorFormat::kDHWC}});
}

void bind_builder_enums(py::module_& module) {
    using Flag = BuilderFlag;
    add_enum<Flag>(module, "BuilderFlag", "What a build may do; used as 1 << int(flag).",
                   {{"FP16", Flag::kFP16},
                    {"INT8", Flag::kINT8},
                    {"DEBUG", Flag::kDEBUG},
                    {"GPU_FALLBACK", Flag::kGPU_FALLBACK},
                    {"REFIT", Flag::kREFIT},
                    {"DISABLE_TIMING_CACHE", Flag::kDISABLE_TIMING_CACHE},
                    {"TF32", Flag::kTF32},
                    {"SPARSE_WEIGHTS", Flag::kSPARSE_WEIGHTS},
                    {"SAFETY_SCOPE", Flag::kSAFETY_SCOPE},
                    {"OBEY_PRECISION_CONSTRAINTS", Flag::kOBEY_PRECISION_CONSTRAINTS},
                    {"STRICT_TYPES", Flag::kSTRICT_TYPES},
                    {"PREFER_PRECISION_CONSTRAINTS", Flag::kPREFER_PRECISION_CONSTRAINTS},
                    {"DIRECT_IO", Flag::kDIRECT_IO},
                    {"REJECT_EMPTY_ALGORITHMS", Flag::kREJECT_EMPTY_ALGORITHMS},
                    {"VERSION_COMPATIBLE", Flag::kVERSION_COMPATIBLE},
                    {"EXCLUDE_LEAN_RUNTIME", Flag::kEXCLUDE_LEAN_RUNTIME},
                    {"FP8", Flag::kFP8},
                    {"ERROR_ON_TIMING_CACHE_MISS", Flag::kERROR_ON_TIMING_CACHE_MISS},
                    {"BF16", Flag::kBF16},
                    {"DISABLE_COMPILATION_CACHE", Flag::kDISABLE_COMPILATION_CACHE},
                    {"STRIP_PLAN", Flag::kSTRIP_PLAN},
                    {"WEIGHTLESS", Flag::kWEIGHTLESS},
                    {"REFIT_IDENTICAL", Flag::kREFIT_IDENTICAL},
                    {"WEIGHT_STREAMING", Flag::kWEIGHT_STREAMING},
                    {"INT4", Flag::kINT4},
                    {"REFIT_INDIVIDUAL", Flag::kREFIT_INDIVIDUAL},
                    {"STRICT_NANS", Flag::kSTRICT_NANS},
                    {"MONITOR_MEMORY", Flag::kMONITOR_MEMORY},
                    {"FP4", Flag::kFP4},
                    {"EDITABLE_TIMING_CACHE", Flag::kEDITABLE_TIMING_CACHE},
                    {"DISTRIBUTIVE_INDEPENDENCE", Flag::kDISTRIBUTIVE_INDEPENDENCE},
                    {"ENABLE_TACTIC_HEURISTIC", Flag::kENABLE_TACTIC_HEURISTIC}});
    using Network = NetworkDefinitionCreationFlag;
    add_enum<Network>(module, "NetworkDefinitionCreationFlag",
                      "Flags of Builder.create_network; used as 1 << int(flag).",
                      {{"EXPLICIT_BATCH", Network::kEXPLICIT_BATCH},
                       {"STRONGLY_TYPED", Network::kSTRONGLY_TYPED},
                       {"PREFER_JIT_PYTHON_PLUGINS", Network::kPREFER_JIT_PYTHON_PLUGINS},
                       {"PREFER_AOT_PYTHON_PLUGINS", Network::kPREFER_AOT_PYTHON_PLUGINS},
                       {"EXPLICIT_PRECISION", static_cast<Network>(4)}});
    add_enum<QuantizationFlag>(module, "QuantizationFlag", "Flags of quantization.",
                               {{"CALIBRATE_BEFORE_FUSION", QuantizationFlag::kCALIBRATE_BEFORE_FUSION}});
    using Pool = MemoryPoolType;
    add_enum<Pool>(module, "MemoryPoolType", "Memory whose use a build limits.",
                   {{"WORKSPACE", Pool::kWORKSPACE},
                    {"DLA_MANAGED_SRAM", Pool::kDLA_MANAGED_SRAM},
                    {"DLA_LOCAL_DRAM", Pool::kDLA_LOCAL_DRAM},
                    {"DLA_GLOBAL_DRAM", Pool::kDLA_GLOBAL_DRAM},
                    {"TACTIC_DRAM", Pool::kTACTIC_DRAM},
                    {"TACTIC_SHARED_MEMORY", Pool::kTACTIC_SHARED_MEMORY}});
    using Source = TacticSource;
    add_enum<Source>(module, "TacticSource", "Where tactics come from. HOST is TensorVK's: functions of the host, on CPU devices. CUBLAS, CUBLAS_LT and CUDNN stand for it too.",
                     {{"CUBLAS", Source::kCUBLAS},
                      {"CUBLAS_LT", Source::kCUBLAS_LT},
                      {"CUDNN", Source::kCUDNN},
                      {"EDGE_MASK_CONVOLUTIONS", Source::kEDGE_MASK_CONVOLUTIONS},
                      {"JIT_CONVOLUTIONS", Source::kJIT_CONVOLUTIONS},
                      {"HOST", Source::kHOST}});
    using Verbosity = ProfilingVerbosity;
    add_enum<Verbosity>(module, "ProfilingVerbosity", "How much an engine tells about its layers.",
                        {{"LAYER_NAMES_ONLY", Verbosity::kLAYER_NAMES_ONLY},
                         {"DETAILED", Verbosity::kDETAILED},
                         {"NONE", Verbosity::kNONE},
                         {"DEFAULT", Verbosity::kDEFAULT},
                         {"VERBOSE", Verbosity::kVERBOSE}});
    using Capability = EngineCapability;
    add_enum<Capability>(module, "EngineCapability", "Kept and returned; Vulkan engines are STANDARD.",
                         {{"STANDARD", Capability::kSTANDARD},
                          {"SAFETY", Capability::kSAFETY},
                          {"DLA_STANDALONE", Capability::kDLA_STANDALONE},
                          {"DEFAULT", Capability::kDEFAULT},
                          {"SAFE_GPU", Capability::kSAFE_GPU},
                          {"SAFE_DLA", Capability::kSAFE_DLA}});
    using Preview = PreviewFeature;
    add_enum<Preview>(
        module, "PreviewFeature", "Kept and returned.",
        {{"PROFILE_SHARING_0806", Preview::kPROFILE_SHARING_0806},
         {"ALIASED_PLUGIN_IO_10_03", Preview::kALIASED_PLUGIN_IO_10_03},
         {"RUNTIME_ACTIVATION_RESIZE_10_10", Preview::kRUNTIME_ACTIVATION_RESIZE_10_10},
         {"MULTIDEVICE_RUNTIME_10_16", Preview::kMULTIDEVICE_RUNTIME_10_16},
         {"FASTER_DYNAMIC_SHAPES_0805", Preview::kFASTER_DYNAMIC_SHAPES_0805},
         {"DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805", Preview::kDISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805}});
    using Compatibility = HardwareCompatibilityLevel;
    add_enum<Compatibility>(module, "HardwareCompatibilityLevel",
                            "Kept and returned; every plan runs on every Vulkan device.",
                            {{"NONE", Compatibility::kNONE},
                             {"AMPERE_PLUS", Compatibility::kAMPERE_PLUS},
                             {"SAME_COMPUTE_CAPABILITY", Compatibility::kSAME_COMPUTE_CAPABILITY}});
    add_enum<RuntimePlatform>(
        module, "RuntimePlatform", "Kept and returned.",
        {{"SAME_AS_BUILD", RuntimePlatform::kSAME_AS_BUILD}, {"WINDOWS_AMD64", RuntimePlatform::kWINDOWS_AMD64}});
    using Tiling = TilingOptimizationLevel;
    add_enum<Tiling>(
        module, "TilingOptimizationLevel", "Kept and returned.",
        {{"NONE", Tiling::kNONE}, {"FAST", Tiling::kFAST}, {"MODERATE", Tiling::kMODERATE}, {"FULL", Tiling::kFULL}});
    add_enum<DeviceType>(module, "DeviceType", "Kept and returned; layers run on the GPU.",
                         {{"GPU", DeviceType::kGPU}, {"DLA", DeviceType::kDLA}});
}

void bind_runtime_enums(py::module_& module) {
    using Serialization = SerializationFlag;
    add_enum<Serialization>(module, "SerializationFlag", "Flags of serialization.",
                            {{"EXCLUDE_WEIGHTS", Serialization::kEXCLUDE_WEIGHTS},
                             {"EXCLUDE_LEAN_RUNTIME", Serialization::kEXCLUDE_LEAN_RUNTIME},
                             {"INCLUDE_REFIT", Serialization::kINCLUDE_REFIT}});
    using Tempfile = TempfileControlFlag;
    add_enum<Tempfile>(module, "TempfileControlFlag", "Kept and returned; the runtime writes no temporary files.",
                       {{"ALLOW_IN_MEMORY_FILES", Tempfile::kALLOW_IN_MEMORY_FILES},
                        {"ALLOW_TEMPORARY_FILES", Tempfile::kALLOW_TEMPORARY_FILES}});
    using Strategy = ExecutionContextAllocationStrategy;
    add_enum<Strategy>(module, "ExecutionContextAllocationStrategy", "Who owns a context's activations.",
                       {{"STATIC", Strategy::kSTATIC},
                        {"ON_PROFILE_CHANGE", Strategy::kON_PROFILE_CHANGE},
                        {"USER_MANAGED", Strategy::kUSER_MANAGED}});
    add_enum<LayerInformationFormat>(
        module, "LayerInformationFormat", "Form of the inspector's texts.",
        {{"ONELINE", LayerInformationFormat::kONELINE}, {"JSON", LayerInformationFormat::kJSON}});
    add_enum<ErrorCode>(module, "ErrorCodeTRT", "What an error recorder is told.",
                        {{"SUCCESS", ErrorCode::kSUCCESS},
                         {"UNSPECIFIED_ERROR", ErrorCode::kUNSPECIFIED_ERROR},
                         {"INTERNAL_ERROR", ErrorCode::kINTERNAL_ERROR},
                         {"INVALID_ARGUMENT", ErrorCode::kINVALID_ARGUMENT},
                         {"INVALID_CONFIG", ErrorCode::kINVALID_CONFIG},
                         {"FAILED_ALLOCATION", ErrorCode::kFAILED_ALLOCATION},
                         {"FAILED_INITIALIZATION", ErrorCode::kFAILED_INITIALIZATION},
                         {"FAILED_EXECUTION", ErrorCode::kFAILED_EXECUTION},
                         {"FAILED_COMPUTATION", ErrorCode::kFAILED_COMPUTATION},
                         {"INVALID_STATE", ErrorCode::kINVALID_STATE},
                         {"UNSUPPORTED_STATE", ErrorCode::kUNSUPPORTED_STATE}},
                        py::arithmetic());
    using Code = onnxparser::ErrorCode;
    add_enum<Code>(module, "ErrorCode", "What is wrong with an ONNX model.",
                   {{"SUCCESS", Code::kSUCCESS},
                    {"INTERNAL_ERROR", Code::kINTERNAL_ERROR},
                    {"MEM_ALLOC_FAILED", Code::kMEM_ALLOC_FAILED},
                    {"MODEL_DESERIALIZE_FAILED", Code::kMODEL_DESERIALIZE_FAILED},
                    {"INVALID_VALUE", Code::kINVALID_VALUE},
                    {"INVALID_GRAPH", Code::kINVALID_GRAPH},
                    {"INVALID_NODE", Code::kINVALID_NODE},
                    {"UNSUPPORTED_GRAPH", Code::kUNSUPPORTED_GRAPH},
                    {"UNSUPPORTED_NODE", Code::kUNSUPPORTED_NODE},
                    {"UNSUPPORTED_NODE_ATTR", Code::kUNSUPPORTED_NODE_ATTR},
                    {"UNSUPPORTED_NODE_INPUT", Code::kUNSUPPORTED_NODE_INPUT},
                    {"UNSUPPORTED_NODE_DATATYPE", Code::kUNSUPPORTED_NODE_DATATYPE},
                    {"UNSUPPORTED_NODE_DYNAMIC", Code::kUNSUPPORTED_NODE_DYNAMIC},
                    {"UNSUPPORTED_NODE_SHAPE", Code::kUNSUPPORTED_NODE_SHAPE},
                    {"REFIT_FAILED", Code::kREFIT_FAILED}});
    using Parser = onnxparser::OnnxParserFlag;
    add_enum<Parser>(
        module, "OnnxParserFlag", "Flags of the parser; used as 1 << int(flag).",
        {{"NATIVE_INSTANCENORM", Parser::kNATIVE_INSTANCENORM},
         {"ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA", Parser::kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA},
         {"REPORT_CAPABILITY_DLA", Parser::kREPORT_CAPABILITY_DLA},
         {"ENABLE_PLUGIN_OVERRIDE", Parser::kENABLE_PLUGIN_OVERRIDE},
         {"ADJUST_FOR_DLA", Parser::kADJUST_FOR_DLA}});
}

} // namespace

void bind_enums(py::module_& module) {
    bind_data_types(module);
    bind_builder_enums(module);
    bind_runtime_enums(module);
}

} // namespace tensorvk::bindings
