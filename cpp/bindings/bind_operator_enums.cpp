// Enumerations of single kinds of layers.
#include "enum_table.hpp"
#include "tensorvk/layer_enums.h"

namespace tensorvk::bindings {

namespace {

void bind_control(py::module_& module) {
    add_enum<TripLimit>(module, "TripLimit", "What ends a loop.", {{"COUNT", TripLimit::kCOUNT}, {"WHILE", TripLimit::kWHILE}});
    add_enum<LoopOutput>(module, "LoopOutput", "What a loop gives.",
                         {{"LAST_VALUE", LoopOutput::kLAST_VALUE},
                          {"CONCATENATE", LoopOutput::kCONCATENATE},
                          {"REVERSE", LoopOutput::kREVERSE}});
    using N = AttentionNormalizationOp;
    add_enum<N>(module, "AttentionNormalizationOp", "What attention does to its scores.", {{"NONE", N::kNONE}, {"SOFTMAX", N::kSOFTMAX}});
    using Form = AttentionIOForm;
    add_enum<Form>(module, "AttentionIOForm", "Layout of attention's inputs.",
                   {{"PADDED_BHND", Form::kPADDED_BHND}, {"PACKED_NHD", Form::kPACKED_NHD}});
    using C = CausalMaskKind;
    add_enum<C>(module, "CausalMaskKind", "Which keys a query sees.",
                {{"NONE", C::kNONE}, {"UPPER_LEFT", C::kUPPER_LEFT}, {"LOWER_RIGHT", C::kLOWER_RIGHT}});
    add_enum<KVCacheMode>(module, "KVCacheMode", "How a cache is written.", {{"LINEAR", KVCacheMode::kLINEAR}});
    add_enum<MoEActType>(module, "MoEActType", "Activation of experts.", {{"NONE", MoEActType::kNONE}, {"SILU", MoEActType::kSILU}});
    using D = CollectiveOperation;
    add_enum<D>(module, "CollectiveOperation", "Operation over several devices.",
                {{"ALL_REDUCE", D::kALL_REDUCE},
                 {"ALL_GATHER", D::kALL_GATHER},
                 {"BROADCAST", D::kBROADCAST},
                 {"REDUCE", D::kREDUCE},
                 {"REDUCE_SCATTER", D::kREDUCE_SCATTER},
                 {"ALL_TO_ALL", D::kALL_TO_ALL},
                 {"GATHER", D::kGATHER},
                 {"SCATTER", D::kSCATTER}});
}

void bind_operators(py::module_& module) {
    using F = FillOperation;
    add_enum<F>(module, "FillOperation", "What a fill layer makes.",
                {{"LINSPACE", F::kLINSPACE}, {"RANDOM_UNIFORM", F::kRANDOM_UNIFORM}, {"RANDOM_NORMAL", F::kRANDOM_NORMAL}});
    add_enum<ScatterMode>(module, "ScatterMode", "How indices are read.", {{"ELEMENT", ScatterMode::kELEMENT}, {"ND", ScatterMode::kND}});
    using B = BoundingBoxFormat;
    add_enum<B>(module, "BoundingBoxFormat", "What the numbers of a box are.",
                {{"CORNER_PAIRS", B::kCORNER_PAIRS}, {"CENTER_SIZES", B::kCENTER_SIZES}});
    add_enum<CumulativeOperation>(module, "CumulativeOperation", "Operation of a cumulative layer.", {{"SUM", CumulativeOperation::kSUM}});
}

void bind_recurrent(py::module_& module) {
    using R = RNNOperation;
    add_enum<R>(module, "RNNOperation", "Cell of a recurrent layer.",
                {{"RELU", R::kRELU}, {"TANH", R::kTANH}, {"LSTM", R::kLSTM}, {"GRU", R::kGRU}});
    add_enum<RNNDirection>(module, "RNNDirection", "Order in which steps are taken.",
                           {{"UNIDIRECTION", RNNDirection::kUNIDIRECTION}, {"BIDIRECTION", RNNDirection::kBIDIRECTION}});
    add_enum<RNNInputMode>(module, "RNNInputMode", "How the first layer takes its input.",
                           {{"LINEAR", RNNInputMode::kLINEAR}, {"SKIP", RNNInputMode::kSKIP}});
    using G = RNNGateType;
    add_enum<G>(module, "RNNGateType", "Gate of a recurrent layer.",
                {{"INPUT", G::kINPUT},
                 {"OUTPUT", G::kOUTPUT},
                 {"FORGET", G::kFORGET},
                 {"UPDATE", G::kUPDATE},
                 {"RESET", G::kRESET},
                 {"CELL", G::kCELL},
                 {"HIDDEN", G::kHIDDEN}});
}

} // namespace

void bind_operator_enums(py::module_& module) {
    bind_control(module);
    bind_operators(module);
    bind_recurrent(module);
}

} // namespace tensorvk::bindings
