// Loops, conditionals and attention: what a network marks by boundary layers.
#pragma once

#include <memory>

#include "tensorvk/layer.h"
#include "tensorvk/layer_enums.h"

namespace tensorvk {

namespace graph {
struct Construct;
}

class ILoop;
class IIfConditional;
class IAttention;

//! Shared by the layers that mark a loop.
class ILoopBoundaryLayer : public ILayer {
  public:
    using ILayer::ILayer;
    [[nodiscard]] ILoop* getLoop() const;
};

//! No outputs.
class ITripLimitLayer : public ILoopBoundaryLayer {
  public:
    using ILoopBoundaryLayer::ILoopBoundaryLayer;
    [[nodiscard]] TripLimit getTripLimit() const;
};

//! Input 0: the value of the first iteration, from outside of the loop; input 1, which setInput gives: that of the next one, from inside.
//! The output is the value in an iteration. Where both differ in a dimension, that dimension is known at run time only.
class IRecurrenceLayer : public ILoopBoundaryLayer {
  public:
    using ILoopBoundaryLayer::ILoopBoundaryLayer;
};

//! One slice of a tensor in each iteration, without the axis.
class IIteratorLayer : public ILoopBoundaryLayer {
  public:
    using ILoopBoundaryLayer::ILoopBoundaryLayer;
    void setAxis(int32_t axis);
    [[nodiscard]] int32_t getAxis() const;
    void setReverse(bool reverse); //!< from the last slice to the first
    [[nodiscard]] bool getReverse() const;
};

//! What a loop gives. Input 1 of kCONCATENATE and kREVERSE: the length of the new axis, an integer scalar; without it, the number of
//! iterations. Of fewer iterations zeros are left.
class ILoopOutputLayer : public ILoopBoundaryLayer {
  public:
    using ILoopBoundaryLayer::ILoopBoundaryLayer;
    [[nodiscard]] LoopOutput getLoopOutput() const;
    void setAxis(int32_t axis);
    [[nodiscard]] int32_t getAxis() const;
};

//! Layers that depend on its recurrences and iterators are inside of the loop; values leave it through its outputs. All add functions return
//! null, after logging one sentence, for what does not fit.
class ILoop {
  public:
    ILoop(api::NetworkState& network, std::shared_ptr<graph::Construct> construct)
        : network_(&network), construct_(std::move(construct)) {}
    ILoop(const ILoop&) = delete;
    ILoop& operator=(const ILoop&) = delete;
    virtual ~ILoop() = default;

    IRecurrenceLayer* addRecurrence(ITensor& initialValue);
    //! kCOUNT: an int32 or int64 scalar from outside; kWHILE: a bool scalar from inside, which may depend on recurrences but on no iterator.
    //! At most one of each.
    ITripLimitLayer* addTripLimit(ITensor& tensor, TripLimit limit);
    IIteratorLayer* addIterator(ITensor& tensor, int32_t axis = 0, bool reverse = false);
    //! kLAST_VALUE takes the output of a recurrence.
    ILoopOutputLayer* addLoopOutput(ITensor& tensor, LoopOutput kind, int32_t axis = 0);
    void setName(const char* name);
    [[nodiscard]] const char* getName() const;

  private:
    friend struct api::Access;
    api::NetworkState* network_;
    std::shared_ptr<graph::Construct> construct_;
};

//! Shared by the layers that mark a conditional.
class IIfConditionalBoundaryLayer : public ILayer {
  public:
    using ILayer::ILayer;
    [[nodiscard]] IIfConditional* getConditional() const;
};

class IConditionLayer : public IIfConditionalBoundaryLayer {
  public:
    using IIfConditionalBoundaryLayer::IIfConditionalBoundaryLayer;
};
//! A value from outside; layers that depend on it are computed in their branch only.
class IIfConditionalInputLayer : public IIfConditionalBoundaryLayer {
  public:
    using IIfConditionalBoundaryLayer::IIfConditionalBoundaryLayer;
};
//! Inputs: the value where the condition is true, and where it is false; of one type and number of dimensions.
class IIfConditionalOutputLayer : public IIfConditionalBoundaryLayer {
  public:
    using IIfConditionalBoundaryLayer::IIfConditionalBoundaryLayer;
};

class IIfConditional {
  public:
    IIfConditional(api::NetworkState& network, std::shared_ptr<graph::Construct> construct)
        : network_(&network), construct_(std::move(construct)) {}
    IIfConditional(const IIfConditional&) = delete;
    IIfConditional& operator=(const IIfConditional&) = delete;
    virtual ~IIfConditional() = default;

    IConditionLayer* setCondition(ITensor& condition); //!< a bool scalar
    IIfConditionalInputLayer* addInput(ITensor& input);
    IIfConditionalOutputLayer* addOutput(ITensor& trueSubgraphOutput, ITensor& falseSubgraphOutput);
    void setName(const char* name);
    [[nodiscard]] const char* getName() const;

  private:
    friend struct api::Access;
    api::NetworkState* network_;
    std::shared_ptr<graph::Construct> construct_;
};

//! Shared by the two layers that an attention is.
class IAttentionBoundaryLayer : public ILayer {
  public:
    using ILayer::ILayer;
    [[nodiscard]] IAttention* getAttention() const;
};
class IAttentionInputLayer : public IAttentionBoundaryLayer {
  public:
    using IAttentionBoundaryLayer::IAttentionBoundaryLayer;
};
class IAttentionOutputLayer : public IAttentionBoundaryLayer {
  public:
    using IAttentionBoundaryLayer::IAttentionBoundaryLayer;
};

//! softmax(query key' + mask) value, for query [batch, heads, sq, d], key [batch, key heads, s, d] and value [batch, key heads, s, dv], where
//! heads is a multiple of key heads. Nothing is scaled: scale the query before. The mask, of 4 dimensions that broadcast to
//! [batch, heads, sq, s], is bool (false hides the key) or added.
class IAttention {
  public:
    IAttention(api::NetworkState& network, std::shared_ptr<graph::Construct> construct)
        : network_(&network), construct_(std::move(construct)) {}
    IAttention(const IAttention&) = delete;
    IAttention& operator=(const IAttention&) = delete;
    virtual ~IAttention() = default;

    bool setNormalizationOperation(AttentionNormalizationOp op);
    [[nodiscard]] AttentionNormalizationOp getNormalizationOperation() const;
    bool setCausal(bool causal); //!< query i sees keys 0 .. i
    [[nodiscard]] bool getCausal() const;
    bool setCausalKind(CausalMaskKind kind);
    [[nodiscard]] CausalMaskKind getCausalKind() const;
    bool setMask(ITensor& mask); //!< excludes causal
    [[nodiscard]] ITensor* getMask() const; //!< null when there is none
    bool setDecomposable(bool decomposable); //!< changes nothing: attention is always made of layers that fuse
    [[nodiscard]] bool getDecomposable() const;
    bool setInput(int32_t index, ITensor& input); //!< query, key, value, mask
    [[nodiscard]] int32_t getNbInputs() const;
    [[nodiscard]] ITensor* getInput(int32_t index) const;
    [[nodiscard]] int32_t getNbOutputs() const { return 1; }
    [[nodiscard]] ITensor* getOutput(int32_t index) const;
    bool setName(const char* name);
    [[nodiscard]] const char* getName() const;
    bool setMetadata(const char* metadata);
    [[nodiscard]] const char* getMetadata() const;

  private:
    friend struct api::Access;
    [[nodiscard]] ILayer& input_layer() const;
    [[nodiscard]] ILayer& output_layer() const;
    api::NetworkState* network_;
    std::shared_ptr<graph::Construct> construct_;
};

} // namespace tensorvk
