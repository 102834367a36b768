#include "compiler/lower/context.hpp"

#include <cstring>
#include <utility>

#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::host::Tensor;

//! Constants are kept in float32 or an integer type; 16-bit floats are widened (exact), so that folding and packing see one type.
Tensor host_tensor(const graph::Weights& weights, std::vector<std::int64_t> dims) {
    Tensor stored(weights.type, std::move(dims));
    if (stored.volume() != weights.count) {
        throw InvalidModel(text("A constant holds ", weights.count, " values where its shape asks for ", stored.volume(), "."));
    }
    if (weights.count > 0) {
        std::memcpy(stored.data.data(), weights.data, stored.data.size());
    }
    if (weights.type != DataType::kHALF && weights.type != DataType::kBF16) {
        return stored;
    }
    Tensor wide(DataType::kFLOAT, stored.dims);
    for (std::int64_t i = 0; i < weights.count; ++i) {
        wide.set(i, stored.get(i));
    }
    return wide;
}

Tensor integers(const std::vector<std::int64_t>& values, DataType dtype, std::vector<std::int64_t> dims) {
    Tensor tensor(DataType::kINT64, std::move(dims));
    std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
    if (dtype == DataType::kINT64) {
        return tensor;
    }
    Tensor narrow(dtype, tensor.dims);
    for (std::size_t i = 0; i < values.size(); ++i) {
        narrow.set(static_cast<std::int64_t>(i), static_cast<double>(values[i]));
    }
    return narrow;
}

} // namespace

ValueId LayerContext::value(const graph::Tensor& tensor) {
    if (const auto it = known_.find(&tensor); it != known_.end()) {
        return it->second;
    }
    ValueId id = -1;
    if (tensor.constant) {
        id = ir_.add_constant(tensor.name, host_tensor(*tensor.constant, ir_.extents(tensor.dims)));
    } else if (tensor.values && tensor.reader == nullptr && ir_.is_static(*tensor.values)) {
        id = ir_.add_constant(tensor.name, integers(ir_.extents(*tensor.values), tensor.dtype, ir_.extents(tensor.dims)));
    } else if (tensor.values && tensor.reader == nullptr) {
        const std::string name = "values of " + tensor.name;
        const bool converts = tensor.dtype != DataType::kINT32 && tensor.dtype != DataType::kINT64; // the kernel writes whole words
        const ValueId words = ir_.add_value(converts ? name : tensor.name, converts ? DataType::kINT32 : tensor.dtype, tensor.dims);
        ir_.add_op(name, tactics::ShapeValues{*tensor.values}, {}, {words});
        id = words;
        if (converts) {
            id = ir_.add_value(tensor.name, tensor.dtype, tensor.dims);
            ir_.add_op("cast " + name, tactics::Pointwise{}, {words}, {id});
        }
    } else {
        throw InternalError(text("Tensor '", tensor.name, "' is used before the layer that produces it."));
    }
    known_[&tensor] = id;
    return id;
}

ValueId LayerContext::input(const graph::Layer& layer, std::size_t index) {
    if (index >= layer.inputs.size() || layer.inputs[index] == nullptr) {
        throw InvalidModel(text("Layer '", layer.name, "' lacks its input ", index, "; connect it with set_input."));
    }
    return value(*layer.inputs[index]);
}

ValueId LayerContext::output(const graph::Layer& layer, std::size_t index) {
    const graph::Tensor& tensor = *layer.outputs.at(index);
    const ValueId id = ir_.add_value(tensor.name, tensor.dtype, tensor.dims);
    known_[&tensor] = id;
    return id;
}

ValueId LayerContext::temporary(const graph::Layer& layer, const char* role, DataType dtype, shape::Exprs dims) {
    return ir_.add_value(layer.name + "/" + role, dtype, std::move(dims));
}

shape::Exprs LayerContext::shape_input(const graph::Layer& layer, std::size_t index, const std::vector<std::int64_t>& attribute) {
    if (index < layer.inputs.size() && layer.inputs[index] != nullptr) {
        const graph::Tensor& tensor = *layer.inputs[index];
        if (!tensor.values) {
            throw Unsupported(text("Layer '", layer.name, "' takes its input ", index, " ('", tensor.name,
                                   "') from data that only the device knows; it has to be a constant or computed from shapes."));
        }
        return *tensor.values;
    }
    shape::Exprs out;
    for (const std::int64_t v : attribute) {
        out.push_back(ir_.exprs.constant(v));
    }
    return out;
}

ValueId LayerContext::float_constant(const std::string& name, const graph::Weights& weights, std::vector<std::int64_t> dims) {
    Tensor tensor = host_tensor(weights, std::move(dims));
    if (tensor.dtype != DataType::kFLOAT) {
        throw Unsupported(text("Weights '", name, "' are ", dtype_name(tensor.dtype), "; float32, float16 or bfloat16 are needed here."));
    }
    return ir_.add_constant(name, std::move(tensor));
}

std::int64_t LayerContext::extent(const graph::Layer& layer, const graph::Tensor& tensor, std::size_t axis) {
    const auto extent = ir_.exprs.value(tensor.dims.at(axis));
    if (!extent) {
        throw Unsupported(text("Layer '", layer.name, "' needs axis ", axis, " of '", tensor.name, "' at build time, but it is dynamic (",
                               ir_.exprs.str(tensor.dims[axis]), "); give that input dimension a fixed size."));
    }
    return *extent;
}

} // namespace tensorvk::compiler
