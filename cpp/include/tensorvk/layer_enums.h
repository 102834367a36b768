// Enumerations of single kinds of layers, with NvInfer's names and numbers (TensorRT 10.16; the RNN's: TensorRT 8).
#pragma once

#include <cstdint>

namespace tensorvk {

enum class TripLimit : int32_t {
    kCOUNT = 0, //!< an integer scalar from outside of the loop: the number of iterations
    kWHILE = 1, //!< a bool scalar from inside of the loop: checked before each iteration
};
enum class LoopOutput : int32_t {
    kLAST_VALUE = 0,  //!< what a recurrence is after the last iteration
    kCONCATENATE = 1, //!< each iteration's value, in order, along a new axis
    kREVERSE = 2,     //!< the same, the last iteration first
};
enum class FillOperation : int32_t {
    kLINSPACE = 0,       //!< alpha + beta . index
    kRANDOM_UNIFORM = 1, //!< between alpha and beta
    kRANDOM_NORMAL = 2,  //!< mean alpha, standard deviation beta
};
enum class ScatterMode : int32_t { kELEMENT = 0, kND = 1 };
enum class BoundingBoxFormat : int32_t {
    kCORNER_PAIRS = 0, //!< x1, y1, x2, y2
    kCENTER_SIZES = 1, //!< x of the centre, y of the centre, width, height
};
enum class CumulativeOperation : int32_t { kSUM = 0 };
enum class AttentionNormalizationOp : int32_t { kNONE = 0, kSOFTMAX = 1 };
enum class AttentionIOForm : int32_t { kPADDED_BHND = 0, kPACKED_NHD = 1 };
enum class CausalMaskKind : int32_t {
    kNONE = 0,
    kUPPER_LEFT = 1,  //!< query i sees keys 0 .. i
    kLOWER_RIGHT = 2, //!< the last query sees all keys
};
enum class KVCacheMode : int32_t { kLINEAR = 0 };
enum class MoEActType : int32_t { kNONE = 0, kSILU = 1 };
enum class CollectiveOperation : int32_t {
    kALL_REDUCE = 0,
    kALL_GATHER = 1,
    kBROADCAST = 2,
    kREDUCE = 3,
    kREDUCE_SCATTER = 4,
    kALL_TO_ALL = 5,
    kGATHER = 6,
    kSCATTER = 7,
};

// TensorRT <= 9
enum class RNNOperation : int32_t { kRELU = 0, kTANH = 1, kLSTM = 2, kGRU = 3 };
enum class RNNDirection : int32_t { kUNIDIRECTION = 0, kBIDIRECTION = 1 };
enum class RNNInputMode : int32_t {
    kLINEAR = 0, //!< the input is multiplied by weights
    kSKIP = 1,   //!< the first layer adds the input as it is
};
enum class RNNGateType : int32_t {
    kINPUT = 0,  //!< also the only gate of RELU and TANH
    kOUTPUT = 1,
    kFORGET = 2,
    kUPDATE = 3,
    kRESET = 4,
    kCELL = 5,
    kHIDDEN = 6,
};

} // namespace tensorvk
