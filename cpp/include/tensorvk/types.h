// Enumerations and small value types of the public API, with NvInfer's names and numbers (TensorRT 10.16).
#pragma once

#include <array>
#include <cstdint>

namespace tensorvk {

//! Element type of a tensor. Sizes in bytes: dataTypeSize() in support/dtype.hpp.
enum class DataType : int32_t {
    kFLOAT = 0,
    kHALF = 1,
    kINT8 = 2,
    kINT32 = 3,
    kBOOL = 4,
    kUINT8 = 5,
    kFP8 = 6,
    kBF16 = 7,
    kINT64 = 8,
    kINT4 = 9,
};

//! A shape of at most eight dimensions; -1 stands for a dimension known only at run time.
struct Dims {
    static constexpr int32_t MAX_DIMS = 8;
    int32_t nbDims = 0;
    int64_t d[MAX_DIMS] = {};
};

struct Dims2 : Dims {
    Dims2() : Dims2(0, 0) {}
    Dims2(int64_t d0, int64_t d1) : Dims{2, {d0, d1}} {}
};
struct DimsHW : Dims2 {
    DimsHW() = default;
    DimsHW(int64_t height, int64_t width) : Dims2(height, width) {}
    int64_t& h() { return d[0]; }
    int64_t h() const { return d[0]; }
    int64_t& w() { return d[1]; }
    int64_t w() const { return d[1]; }
};
struct Dims3 : Dims {
    Dims3() : Dims3(0, 0, 0) {}
    Dims3(int64_t d0, int64_t d1, int64_t d2) : Dims{3, {d0, d1, d2}} {}
};
struct Dims4 : Dims {
    Dims4() : Dims4(0, 0, 0, 0) {}
    Dims4(int64_t d0, int64_t d1, int64_t d2, int64_t d3) : Dims{4, {d0, d1, d2, d3}} {}
};

//! A permutation of at most eight axes: output axis i is input axis order[i].
struct Permutation {
    int32_t order[Dims::MAX_DIMS] = {0, 1, 2, 3, 4, 5, 6, 7};
};

enum class ActivationType : int32_t {
    kRELU = 0,
    kSIGMOID = 1,
    kTANH = 2,
    kLEAKY_RELU = 3,        //!< x >= 0 ? x : alpha * x
    kELU = 4,               //!< x >= 0 ? x : alpha * (exp(x) - 1)
    kSELU = 5,              //!< beta * (x > 0 ? x : alpha * (exp(x) - 1))
    kSOFTSIGN = 6,          //!< x / (1 + |x|)
    kSOFTPLUS = 7,          //!< alpha * log(exp(beta * x) + 1)
    kCLIP = 8,              //!< max(alpha, min(beta, x))
    kHARD_SIGMOID = 9,      //!< max(0, min(1, alpha * x + beta))
    kSCALED_TANH = 10,      //!< alpha * tanh(beta * x)
    kTHRESHOLDED_RELU = 11, //!< x > alpha ? x : 0
    kGELU_ERF = 12,
    kGELU_TANH = 13,
};

enum class ElementWiseOperation : int32_t {
    kSUM = 0, kPROD = 1, kMAX = 2, kMIN = 3, kSUB = 4, kDIV = 5, kPOW = 6, kFLOOR_DIV = 7,
    kAND = 8, kOR = 9, kXOR = 10, kEQUAL = 11, kGREATER = 12, kLESS = 13,
};

enum class UnaryOperation : int32_t {
    kEXP = 0, kLOG = 1, kSQRT = 2, kRECIP = 3, kABS = 4, kNEG = 5, kSIN = 6, kCOS = 7, kTAN = 8, kSINH = 9, kCOSH = 10,
    kASIN = 11, kACOS = 12, kATAN = 13, kASINH = 14, kACOSH = 15, kATANH = 16, kCEIL = 17, kFLOOR = 18, kERF = 19,
    kNOT = 20, kSIGN = 21, kROUND = 22 /*!< half to even */, kISINF = 23, kISNAN = 24,
};

enum class PoolingType : int32_t { kMAX = 0, kAVERAGE = 1, kMAX_AVERAGE_BLEND = 2 };
enum class PaddingMode : int32_t {
    kEXPLICIT_ROUND_DOWN = 0,
    kEXPLICIT_ROUND_UP = 1, //!< ONNX's ceil_mode
    kSAME_UPPER = 2,
    kSAME_LOWER = 3,
};
enum class MatrixOperation : int32_t { kNONE = 0, kTRANSPOSE = 1, kVECTOR = 2 };
enum class ReduceOperation : int32_t { kSUM = 0, kPROD = 1, kMAX = 2, kMIN = 3, kAVG = 4 };
enum class TopKOperation : int32_t { kMAX = 0, kMIN = 1 };
enum class ScaleMode : int32_t { kUNIFORM = 0, kCHANNEL = 1, kELEMENTWISE = 2 };
enum class GatherMode : int32_t { kDEFAULT = 0, kELEMENT = 1, kND = 2 };
enum class SampleMode : int32_t { kSTRICT_BOUNDS = 0, kWRAP = 1, kCLAMP = 2, kFILL = 3, kREFLECT = 4 };
enum class InterpolationMode : int32_t { kNEAREST = 0, kLINEAR = 1, kCUBIC = 2 };
enum class ResizeCoordinateTransformation : int32_t { kALIGN_CORNERS = 0, kASYMMETRIC = 1, kHALF_PIXEL = 2 };
enum class ResizeSelector : int32_t { kFORMULA = 0, kUPPER = 1 };
enum class ResizeRoundMode : int32_t { kHALF_UP = 0, kHALF_DOWN = 1, kFLOOR = 2, kCEIL = 3 };

enum class LayerType : int32_t {
    kCONVOLUTION = 0, kCAST = 1, kACTIVATION = 2, kPOOLING = 3, kLRN = 4, kSCALE = 5, kSOFTMAX = 6, kDECONVOLUTION = 7,
    kCONCATENATION = 8, kELEMENTWISE = 9, kPLUGIN = 10, kUNARY = 11, kPADDING = 12, kSHUFFLE = 13, kREDUCE = 14, kTOPK = 15,
    kGATHER = 16, kMATRIX_MULTIPLY = 17, kRAGGED_SOFTMAX = 18, kCONSTANT = 19, kIDENTITY = 20, kPLUGIN_V2 = 21, kSLICE = 22,
    kSHAPE = 23, kPARAMETRIC_RELU = 24, kRESIZE = 25, kTRIP_LIMIT = 26, kRECURRENCE = 27, kITERATOR = 28, kLOOP_OUTPUT = 29,
    kSELECT = 30, kFILL = 31, kQUANTIZE = 32, kDEQUANTIZE = 33, kCONDITION = 34, kCONDITIONAL_INPUT = 35,
    kCONDITIONAL_OUTPUT = 36, kSCATTER = 37, kEINSUM = 38, kASSERTION = 39, kONE_HOT = 40, kNON_ZERO = 41, kGRID_SAMPLE = 42,
    kNMS = 43, kREVERSE_SEQUENCE = 44, kNORMALIZATION = 45, kPLUGIN_V3 = 46, kSQUEEZE = 47, kUNSQUEEZE = 48, kCUMULATIVE = 49,
    kDYNAMIC_QUANTIZE = 50, kATTENTION_INPUT = 51, kATTENTION_OUTPUT = 52, kROTARY_EMBEDDING = 53, kKV_CACHE_UPDATE = 54,
    kMOE = 55, kDIST_COLLECTIVE = 56,
    kFULLY_CONNECTED = 57, //!< TensorRT <= 9, where it was 1
    kRNN_V2 = 58,          //!< TensorRT <= 9, where it was 20
    kCONTROL = 999,   //!< TensorVK's own: ONNX's If, Loop and Scan
    kOPERATOR = 1000, //!< TensorVK's own: an ONNX operator for which TensorRT has no layer
};

enum class TensorIOMode : int32_t { kNONE = 0, kINPUT = 1, kOUTPUT = 2 };
enum class TensorLocation : int32_t { kDEVICE = 0, kHOST = 1 };
enum class OptProfileSelector : int32_t { kMIN = 0, kOPT = 1, kMAX = 2 };

} // namespace tensorvk
