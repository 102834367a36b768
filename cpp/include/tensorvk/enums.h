// Enumerations of the builder and the runtime, with NvInfer's names and numbers (TensorRT 10.16; names that 10.16 dropped keep a
// number of their own).
#pragma once

#include <cstdint>

namespace tensorvk {

//! What kind of failure an error recorder is told about.
enum class ErrorCode : int32_t {
    kSUCCESS = 0,
    kUNSPECIFIED_ERROR = 1,
    kINTERNAL_ERROR = 2,
    kINVALID_ARGUMENT = 3,
    kINVALID_CONFIG = 4,
    kFAILED_ALLOCATION = 5,
    kFAILED_INITIALIZATION = 6,
    kFAILED_EXECUTION = 7,
    kFAILED_COMPUTATION = 8,
    kINVALID_STATE = 9,
    kUNSUPPORTED_STATE = 10,
};

//! How serious a message is; smaller is worse.
enum class Severity : int32_t { kINTERNAL_ERROR = 0, kERROR = 1, kWARNING = 2, kINFO = 3, kVERBOSE = 4 };

enum class NetworkDefinitionCreationFlag : int32_t {
    kEXPLICIT_BATCH = 0, //!< always so; accepted for older programs
    kSTRONGLY_TYPED = 1, //!< types follow the graph; precision wishes are refused
    kPREFER_JIT_PYTHON_PLUGINS = 2,
    kPREFER_AOT_PYTHON_PLUGINS = 3,
};

enum class BuilderFlag : int32_t {
    kFP16 = 0, //!< layers may compute on float16 storage (arithmetic accumulates in float32)
    kINT8 = 1,
    kDEBUG = 2,
    kGPU_FALLBACK = 3,
    kREFIT = 4,
    kDISABLE_TIMING_CACHE = 5,
    kTF32 = 6,
    kSPARSE_WEIGHTS = 7,
    kSAFETY_SCOPE = 8,
    kOBEY_PRECISION_CONSTRAINTS = 9,
    kSTRICT_TYPES = kOBEY_PRECISION_CONSTRAINTS, //!< TensorRT <= 9
    kPREFER_PRECISION_CONSTRAINTS = 10,
    kDIRECT_IO = 11,
    kREJECT_EMPTY_ALGORITHMS = 12,
    kVERSION_COMPATIBLE = 13,
    kEXCLUDE_LEAN_RUNTIME = 14,
    kFP8 = 15,
    kERROR_ON_TIMING_CACHE_MISS = 16,
    kBF16 = 17,
    kDISABLE_COMPILATION_CACHE = 18,
    kSTRIP_PLAN = 19,
    kWEIGHTLESS = kSTRIP_PLAN,
    kREFIT_IDENTICAL = 20,
    kWEIGHT_STREAMING = 21,
    kINT4 = 22,
    kREFIT_INDIVIDUAL = 23,
    kSTRICT_NANS = 24,
    kMONITOR_MEMORY = 25,
    kFP4 = 26,
    kEDITABLE_TIMING_CACHE = 27,
    kDISTRIBUTIVE_INDEPENDENCE = 28,
    kENABLE_TACTIC_HEURISTIC = 29, //!< TensorRT 8.6
};
using BuilderFlags = uint32_t;

enum class QuantizationFlag : int32_t { kCALIBRATE_BEFORE_FUSION = 0 };

enum class MemoryPoolType : int32_t {
    kWORKSPACE = 0, //!< scratch memory of tactics, bytes; all device memory unless limited
    kDLA_MANAGED_SRAM = 1,
    kDLA_LOCAL_DRAM = 2,
    kDLA_GLOBAL_DRAM = 3,
    kTACTIC_DRAM = 4,
    kTACTIC_SHARED_MEMORY = 5,
};
inline constexpr int32_t kMemoryPoolTypeCount = 6;

//! kHOST (ours) switches host tactics on CPU devices. So do the libraries of older TensorRT scripts, cuBLAS and cuDNN, whose
//! part they play there. The other sources are accepted and change nothing.
enum class TacticSource : int32_t {
    kCUBLAS = 0,
    kCUBLAS_LT = 1,
    kCUDNN = 2,
    kEDGE_MASK_CONVOLUTIONS = 3,
    kJIT_CONVOLUTIONS = 4,
    kHOST = 16,
};
using TacticSources = uint32_t;
inline constexpr TacticSources kDefaultTacticSources =
    (1U << static_cast<int32_t>(TacticSource::kEDGE_MASK_CONVOLUTIONS)) |
    (1U << static_cast<int32_t>(TacticSource::kJIT_CONVOLUTIONS)) | (1U << static_cast<int32_t>(TacticSource::kHOST));

//! Memory layout of a network input or output. TensorVK's networks have row-major (kLINEAR) edges.
enum class TensorFormat : int32_t {
    kLINEAR = 0,
    kCHW2 = 1,
    kHWC8 = 2,
    kCHW4 = 3,
    kCHW16 = 4,
    kCHW32 = 5,
    kDHWC8 = 6,
    kCDHW32 = 7,
    kHWC = 8,
    kDLA_LINEAR = 9,
    kDLA_HWC4 = 10,
    kHWC16 = 11,
    kDHWC = 12,
};
using TensorFormats = uint32_t;

enum class ProfilingVerbosity : int32_t {
    kLAYER_NAMES_ONLY = 0,
    kNONE = 1,
    kDETAILED = 2,
    kDEFAULT = kLAYER_NAMES_ONLY, //!< TensorRT <= 9
    kVERBOSE = kDETAILED,         //!< TensorRT <= 9
};

enum class EngineCapability : int32_t {
    kSTANDARD = 0,
    kSAFETY = 1,
    kDLA_STANDALONE = 2,
    kDEFAULT = kSTANDARD,        //!< TensorRT <= 9
    kSAFE_GPU = kSAFETY,         //!< TensorRT <= 9
    kSAFE_DLA = kDLA_STANDALONE, //!< TensorRT <= 9
};

enum class PreviewFeature : int32_t {
    kPROFILE_SHARING_0806 = 0,
    kALIASED_PLUGIN_IO_10_03 = 1,
    kRUNTIME_ACTIVATION_RESIZE_10_10 = 2,
    kMULTIDEVICE_RUNTIME_10_16 = 3,
    kFASTER_DYNAMIC_SHAPES_0805 = 4,                             //!< TensorRT 8.6
    kDISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805 = 5,          //!< TensorRT 8.6
};

enum class HardwareCompatibilityLevel : int32_t { kNONE = 0, kAMPERE_PLUS = 1, kSAME_COMPUTE_CAPABILITY = 2 };
enum class RuntimePlatform : int32_t { kSAME_AS_BUILD = 0, kWINDOWS_AMD64 = 1 };
enum class TilingOptimizationLevel : int32_t { kNONE = 0, kFAST = 1, kMODERATE = 2, kFULL = 3 };
enum class DeviceType : int32_t { kGPU = 0, kDLA = 1 };
enum class SerializationFlag : int32_t { kEXCLUDE_WEIGHTS = 0, kEXCLUDE_LEAN_RUNTIME = 1, kINCLUDE_REFIT = 2 };
enum class TempfileControlFlag : int32_t { kALLOW_IN_MEMORY_FILES = 0, kALLOW_TEMPORARY_FILES = 1 };
enum class ExecutionContextAllocationStrategy : int32_t { kSTATIC = 0, kON_PROFILE_CHANGE = 1, kUSER_MANAGED = 2 };
enum class LayerInformationFormat : int32_t { kONELINE = 0, kJSON = 1 };

} // namespace tensorvk
