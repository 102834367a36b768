#include "tensorvk/tensor.h"

#include "api/convert.hpp"
#include "api/network_state.hpp"
#include "support/dtype.hpp"

namespace tensorvk {

using api::succeeds;

void ITensor::setName(const char* name) {
    succeeds(network_->reporter(), [&] { network_->graph().rename(tensor_, api::required(name, "name")); });
}

const char* ITensor::getName() const {
    return tensor_->name.c_str();
}

void ITensor::setDimensions(const Dims& dimensions) {
    succeeds(network_->reporter(), [&] {
        if (!tensor_->is_input) {
            throw InvalidArgument(
                text("Tensor '", tensor_->name,
                     "' is computed by a layer, so its shape cannot be set; only network inputs take one."));
        }
        network_->graph().set_input_dims(tensor_, api::view(dimensions));
    });
}

Dims ITensor::getDimensions() const {
    return network_->graph().dims(*tensor_);
}

void ITensor::setType(DataType type) {
    succeeds(network_->reporter(), [&] { network_->graph().set_dtype(tensor_, type); });
}

DataType ITensor::getType() const {
    return tensor_->io_dtype();
}
bool ITensor::isNetworkInput() const {
    return tensor_->is_input;
}
bool ITensor::isNetworkOutput() const {
    return tensor_->is_output;
}
bool ITensor::isShapeTensor() const {
    return tensor_->values.has_value();
}

void ITensor::setAllowedFormats(TensorFormats formats) {
    succeeds(network_->reporter(), [&] {
        if ((formats & 1U) == 0) {
            throw Unsupported(
                text("Tensor '", tensor_->name, "' was given the allowed formats ", formats,
                     ", which lack LINEAR; TensorVK's networks have linear inputs and outputs, so add 1 << LINEAR."));
        }
        tensor_->allowed_formats = formats;
    });
}

TensorFormats ITensor::getAllowedFormats() const {
    return tensor_->allowed_formats;
}

void ITensor::setDimensionName(int32_t index, const char* name) {
    succeeds(network_->reporter(), [&] {
        const auto rank = static_cast<int32_t>(tensor_->dims.size());
        if (index < 0 || index >= rank) {
            throw InvalidArgument(text("Tensor '", tensor_->name, "' has ", rank, " dimensions, so dimension ", index,
                                       " cannot be named."));
        }
        network_->graph().set_dimension_name(tensor_, static_cast<std::size_t>(index), api::required(name, "name"));
    });
}

const char* ITensor::getDimensionName(int32_t index) const {
    const auto& names = tensor_->dimension_names;
    const bool named =
        index >= 0 && static_cast<std::size_t>(index) < names.size() && !names[static_cast<std::size_t>(index)].empty();
    return named ? names[static_cast<std::size_t>(index)].c_str() : nullptr;
}

void ITensor::setLocation(TensorLocation location) {
    succeeds(network_->reporter(), [&] {
        if (location != TensorLocation::kDEVICE) {
            throw Unsupported(text("Tensor '", tensor_->name,
                                   "' cannot be moved to the host; inputs and outputs are device or pinned memory."));
        }
    });
}

bool ITensor::setDynamicRange(float min, float max) {
    return succeeds(network_->reporter(), [&] {
        if (!(min <= max)) {
            throw InvalidArgument(text("Tensor '", tensor_->name, "' was given the dynamic range ", min, " to ", max,
                                       "; min must not exceed max."));
        }
        range_set_ = true;
        range_min_ = min;
        range_max_ = max;
    });
}

} // namespace tensorvk
