// A tensor of a network that is being defined.
#pragma once

#include <memory>

#include "tensorvk/enums.h"
#include "tensorvk/types.h"

namespace tensorvk {

namespace graph {
struct Tensor;
}
namespace api {
class NetworkState;
struct Access;
} // namespace api

//! An edge of a network: owned by it and valid as long as it is. Failing setters log one sentence and change nothing.
class ITensor {
  public:
    ITensor(api::NetworkState& network, graph::Tensor& tensor) : network_(&network), tensor_(&tensor) {}
    ITensor(const ITensor&) = delete;
    ITensor& operator=(const ITensor&) = delete;
    virtual ~ITensor() = default;

    //! Must be unique in the network.
    void setName(const char* name);
    [[nodiscard]] const char* getName() const;

    //! Network inputs only; -1 is a dimension known at run time. Everything downstream is inferred again.
    void setDimensions(const Dims& dimensions);
    [[nodiscard]] Dims getDimensions() const;

    //! Network inputs and outputs.
    void setType(DataType type);
    [[nodiscard]] DataType getType() const;

    [[nodiscard]] bool isNetworkInput() const;
    [[nodiscard]] bool isNetworkOutput() const;
    //! True when the values are known while shapes are inferred (output of IShapeLayer, integer constants and
    //! arithmetic on them).
    [[nodiscard]] bool isShapeTensor() const;
    [[nodiscard]] bool isExecutionTensor() const { return !isShapeTensor() || isNetworkInput() || isNetworkOutput(); }

    //! Bitmask of 1 << TensorFormat. Only kLINEAR exists at a network's edges; a mask without it is refused.
    void setAllowedFormats(TensorFormats formats);
    [[nodiscard]] TensorFormats getAllowedFormats() const;

    //! Inputs with one dimension name in common are given equal dimensions at run time.
    void setDimensionName(int32_t index, const char* name);
    [[nodiscard]] const char* getDimensionName(int32_t index) const; //!< null when unnamed

    [[nodiscard]] TensorLocation getLocation() const { return TensorLocation::kDEVICE; }
    //! kHOST has no meaning here and is refused with a sentence.
    void setLocation(TensorLocation location);

    //! Kept and returned; implicit quantization does not exist.
    bool setDynamicRange(float min, float max);
    [[nodiscard]] bool dynamicRangeIsSet() const { return range_set_; }
    void resetDynamicRange() { range_set_ = false; }
    [[nodiscard]] float getDynamicRangeMin() const { return range_min_; }
    [[nodiscard]] float getDynamicRangeMax() const { return range_max_; }

    void setBroadcastAcrossBatch(bool) {}
    [[nodiscard]] bool getBroadcastAcrossBatch() const { return false; }

  private:
    friend struct api::Access;
    api::NetworkState* network_;
    graph::Tensor* tensor_;
    bool range_set_ = false;
    float range_min_ = 0.0F;
    float range_max_ = 0.0F;
};

} // namespace tensorvk
