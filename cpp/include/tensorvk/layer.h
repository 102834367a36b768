// What all layers of a network have in common.
#pragma once

#include "tensorvk/interfaces.h"
#include "tensorvk/tensor.h"

namespace tensorvk {

namespace graph {
class Layer;
}

//! A node of a network: owned by it and valid as long as it is.
//!
//! A setter infers the layer and everything downstream again. A layer may be invalid between two setters (say, a window
//! larger than its input until padding is set): the attribute is kept, and building refuses the network with a sentence
//! if the layer is still invalid then.
class ILayer {
  public:
    ILayer(api::NetworkState& network, graph::Layer& layer, LayerType type)
        : network_(&network), layer_(&layer), type_(type) {}
    ILayer(const ILayer&) = delete;
    ILayer& operator=(const ILayer&) = delete;
    virtual ~ILayer() = default;

    [[nodiscard]] LayerType getType() const { return type_; }
    void setName(const char* name);
    [[nodiscard]] const char* getName() const;
    //! Free text that the engine's inspector shows.
    void setMetadata(const char* metadata);
    [[nodiscard]] const char* getMetadata() const;

    [[nodiscard]] int32_t getNbInputs() const;
    [[nodiscard]] ITensor* getInput(int32_t index) const; //!< null for an absent optional input or a wrong index
    [[nodiscard]] int32_t getNbOutputs() const;
    [[nodiscard]] ITensor* getOutput(int32_t index) const; //!< null for a wrong index
    //! Replaces an input; an index behind the last one makes an attribute (kernel, reshape dimensions, slice start,
    //! ...) an input.
    void setInput(int32_t index, ITensor& tensor);

    //! The type that the layer should compute in; the builder takes it as a wish.
    void setPrecision(DataType type);
    [[nodiscard]] DataType getPrecision() const;
    [[nodiscard]] bool precisionIsSet() const;
    void resetPrecision();
    //! The type of an output.
    void setOutputType(int32_t index, DataType type);
    [[nodiscard]] DataType getOutputType(int32_t index) const;
    [[nodiscard]] bool outputTypeIsSet(int32_t index) const;
    void resetOutputType(int32_t index);

  protected:
    friend struct api::Access;
    api::NetworkState* network_;
    graph::Layer* layer_;
    LayerType type_;
};

} // namespace tensorvk
