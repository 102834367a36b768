// Shapes, permutations, weights and host memory.
#include <pybind11/numpy.h>

#include "api/convert.hpp"
#include "bindings.hpp"
#include "support/dtype.hpp"

namespace tensorvk::bindings {

namespace {

std::vector<std::int64_t> integers_of(const py::sequence& sequence) {
    std::vector<std::int64_t> values;
    for (const py::handle item : sequence) {
        const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(item.ptr()));
        if (!number) {
            throw py::error_already_set();
        }
        int overflow = 0;
        values.push_back(PyLong_AsLongLongAndOverflow(number.ptr(), &overflow));
        if (overflow != 0) {
            throw py::value_error(py::str(number).cast<std::string>() + " does not fit into 64 bits.");
        }
    }
    return values;
}

template <typename Shape>
Shape shape_of(const py::sequence& sequence) {
    const auto values = integers_of(sequence);
    if (values.size() > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        throw py::value_error(text("A shape has ", values.size(), " dimensions; at most 8 are possible."));
    }
    Shape shape;
    if (!std::is_same_v<Shape, Dims> && values.size() != static_cast<std::size_t>(shape.nbDims)) {
        throw py::value_error(text(shape.nbDims, " numbers are needed, ", values.size(), " were given."));
    }
    shape.nbDims = static_cast<std::int32_t>(values.size());
    std::ranges::copy(values, shape.d);
    return shape;
}

py::list list_of(const Dims& dims) {
    if (dims.nbDims < 0) {
        throw py::value_error("This shape is not known (its rank is -1).");
    }
    return py::cast(api::to_vector(dims));
}

void assign(Dims& dims, const py::list& values) {
    if (py::len(values) != static_cast<std::size_t>(dims.nbDims)) {
        throw py::value_error("The rank of a shape cannot be changed by assignment.");
    }
    dims = shape_of<Dims>(values);
}

bool equals(const Dims& dims, const py::object& other) {
    if (!py::isinstance<py::sequence>(other) && !py::isinstance<Dims>(other)) {
        return false;
    }
    return dims.nbDims < 0 ? py::isinstance<Dims>(other) && other.cast<Dims&>().nbDims < 0
                           : list_of(dims).equal(py::list(other));
}

py::str show(const Dims& dims) {
    return dims.nbDims < 0 ? py::str("(unknown)") : py::str(py::tuple(list_of(dims)));
}

void bind_dims(py::module_& module) {
    py::class_<Dims> dims(
        module, "Dims",
        "A shape of at most eight dimensions; tuples and lists are taken in its place. -1: known at run time.");
    dims.def(py::init<>())
        .def(py::init(&shape_of<Dims>), py::arg("shape"))
        .def("__len__", [](const Dims& self) { return py::len(list_of(self)); })
        .def("__iter__", [](const Dims& self) { return py::iter(list_of(self)); })
        .def("__getitem__",
             [](const Dims& self, const py::object& index) -> py::object {
                 py::object item = list_of(self)[index];
                 return PySlice_Check(index.ptr()) != 0 ? py::object(py::tuple(item)) : item;
             })
        .def("__setitem__",
             [](Dims& self, const py::object& index, const py::object& value) {
                 py::list values = list_of(self);
                 values[index] = value;
                 assign(self, values);
             })
        .def("__eq__", &equals)
        .def("__ne__", [](const Dims& self, const py::object& other) { return !equals(self, other); })
        .def("__hash__", [](const Dims& self) { return py::hash(py::tuple(list_of(self))); })
        .def("__str__", &show)
        .def("__repr__", &show);
    dims.attr("MAX_DIMS") = Dims::MAX_DIMS;
    py::implicitly_convertible<py::sequence, Dims>();

    py::class_<Dims2, Dims>(module, "Dims2", "Two dimensions.")
        .def(py::init<>())
        .def(py::init<std::int64_t, std::int64_t>(), py::arg("dim0"), py::arg("dim1"))
        .def(py::init(&shape_of<Dims2>), py::arg("shape"));
    py::class_<DimsHW, Dims2>(module, "DimsHW", "Height and width.")
        .def(py::init<>())
        .def(py::init<std::int64_t, std::int64_t>(), py::arg("h"), py::arg("w"))
        .def(py::init(&shape_of<DimsHW>), py::arg("shape"))
        .def_property(
            "h", [](const DimsHW& self) { return self.h(); },
            [](DimsHW& self, std::int64_t value) { self.h() = value; })
        .def_property(
            "w", [](const DimsHW& self) { return self.w(); },
            [](DimsHW& self, std::int64_t value) { self.w() = value; });
    py::implicitly_convertible<py::sequence, DimsHW>();
    py::class_<Dims3, Dims>(module, "Dims3", "Three dimensions.")
        .def(py::init<>())
        .def(py::init<std::int64_t, std::int64_t, std::int64_t>(), py::arg("dim0"), py::arg("dim1"), py::arg("dim2"))
        .def(py::init(&shape_of<Dims3>), py::arg("shape"));
    py::class_<Dims4, Dims>(module, "Dims4", "Four dimensions.")
        .def(py::init<>())
        .def(py::init<std::int64_t, std::int64_t, std::int64_t, std::int64_t>(), py::arg("dim0"), py::arg("dim1"),
             py::arg("dim2"), py::arg("dim3"))
        .def(py::init(&shape_of<Dims4>), py::arg("shape"));
}

Permutation permutation_of(const py::sequence& sequence) {
    const auto values = integers_of(sequence);
    if (values.size() > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        throw py::value_error(text("A permutation has at most 8 axes, ", values.size(), " were given."));
    }
    Permutation permutation;
    std::ranges::transform(values, permutation.order, [](std::int64_t axis) {
        if (axis < 0 || axis >= Dims::MAX_DIMS) {
            throw py::value_error(text("An axis of a permutation is 0 to 7, not ", axis, "."));
        }
        return static_cast<std::int32_t>(axis);
    });
    return permutation;
}

void bind_permutation(py::module_& module) {
    const auto list = [](const Permutation& self) {
        return std::vector<std::int32_t>(self.order, self.order + Dims::MAX_DIMS);
    };
    py::class_<Permutation>(module, "Permutation",
                            "Output axis i is input axis p[i]; sequences are taken in its place.")
        .def(py::init<>())
        .def(py::init(&permutation_of), py::arg("perm"))
        .def("__len__", [](const Permutation&) { return Dims::MAX_DIMS; })
        .def("__getitem__",
             [list](const Permutation& self, const py::object& index) {
                 return py::object(py::list(py::cast(list(self)))[index]);
             })
        .def("__setitem__",
             [list](Permutation& self, const py::object& index, const py::object& value) {
                 py::list values = py::cast(list(self));
                 values[index] = value;
                 self = permutation_of(values);
             })
        .def("__str__", [list](const Permutation& self) { return py::str(py::tuple(py::cast(list(self)))); })
        .def("__repr__", [list](const Permutation& self) { return py::str(py::tuple(py::cast(list(self)))); });
    py::implicitly_convertible<py::sequence, Permutation>();
}

DataType type_of(const py::dtype& dtype) {
    const auto name = dtype.attr("name").cast<std::string>();
    for (const DataType type : {DataType::kFLOAT, DataType::kHALF, DataType::kBF16, DataType::kINT8, DataType::kINT32,
                                DataType::kINT64, DataType::kBOOL, DataType::kUINT8}) {
        if (name != dtype_name(type)) {
            continue;
        }
        if (!dtype.attr("isnative").cast<bool>()) { // the name is the same in both byte orders
            throw py::type_error(
                "Weights need numbers in this machine's byte order; convert the array with "
                ".astype(array.dtype.newbyteorder('=')).");
        }
        return type;
    }
    throw py::type_error(
        "Weights cannot hold numpy's " + name +
        "; convert the array with .astype(numpy.float32) or to float16, int8, int32, int64, uint8 or bool.");
}

Weights weights_of_array(const py::array& given) {
    const DataType type = type_of(given.dtype());
    // Contiguous arrays are shared; others are copied into one that is.
    const py::array array = py::array::ensure(given, py::array::c_style);
    auto* owner = new py::object(array);
    const std::shared_ptr<const void> keeper(array.data(), [owner](const void*) {
        if (Py_IsInitialized() != 0) {
            const GilAcquire gil;
            delete owner;
        }
    });
    return {type, array.data(), static_cast<std::int64_t>(array.size()), keeper};
}

py::array view_of(const Weights& weights) {
    if (weights.count < 0 || (weights.values == nullptr && weights.count > 0)) {
        throw py::value_error(text("These weights have the count ", weights.count, " and no values to view."));
    }
    auto* owner = new std::shared_ptr<const void>(weights.owner);
    const py::capsule base(owner, [](void* pointer) { delete static_cast<std::shared_ptr<const void>*>(pointer); });
    return {py::dtype(std::string(dtype_name(weights.type))), {weights.count}, weights.values, base};
}

void bind_weights(py::module_& module) {
    py::class_<Weights>(
        module, "Weights",
        "Constant data of a layer. Numpy arrays are taken in its place and shared, not copied, when contiguous.")
        .def(py::init([](DataType type) { return Weights{type}; }), py::arg("type") = DataType::kFLOAT)
        .def(py::init([](DataType type, std::uint64_t address, std::int64_t count) {
                 return Weights{type, reinterpret_cast<const void*>(static_cast<std::uintptr_t>(address)), count};
             }),
             py::arg("type"), py::arg("ptr"), py::arg("count"))
        .def(py::init(&weights_of_array), py::arg("a"))
        .def_readonly("dtype", &Weights::type)
        .def_readonly("size", &Weights::count)
        .def_property_readonly(
            "nbytes", [](const Weights& self) { return static_cast<std::size_t>(self.count) * dtype_size(self.type); })
        .def("numpy", &view_of, "A one-dimensional view of the data.")
        .def("__len__", [](const Weights& self) { return self.count; });
}

void bind_host_memory(py::module_& module) {
    py::class_<IHostMemory, std::shared_ptr<IHostMemory>> memory(
        module, "IHostMemory", py::buffer_protocol(),
        "Bytes that TensorVK made; bytes(), memoryview() and file.write() take it.");
    memory.def_property_readonly("dtype", &IHostMemory::type)
        .def_property_readonly("nbytes", &IHostMemory::size)
        .def("__len__", &IHostMemory::size)
        .def_buffer([](const IHostMemory& self) {
            return py::buffer_info(static_cast<const std::uint8_t*>(self.data()),
                                   static_cast<py::ssize_t>(self.size()));
        });
    add_context_manager(memory);
}

} // namespace

Weights weights_of(py::handle object) {
    if (object.is_none()) {
        return {};
    }
    if (py::isinstance<Weights>(object)) {
        return object.cast<Weights>();
    }
    if (py::isinstance<py::array>(object)) {
        return weights_of_array(py::reinterpret_borrow<py::array>(object));
    }
    throw py::type_error(text("Weights must be a numpy array or tensorvk.Weights, not ",
                              py::str(py::type::of(object).attr("__name__")).cast<std::string>(), "."));
}

std::uint64_t address_of(py::handle object) {
    if (object.is_none()) {
        return 0;
    }
    // A float has lost the low digits of an address, and int() would read a number out of a string.
    const PyNumberMethods* numbers = Py_TYPE(object.ptr())->tp_as_number;
    const bool whole = PyIndex_Check(object.ptr()) != 0;
    if (!whole && (numbers == nullptr || numbers->nb_int == nullptr || numbers->nb_float != nullptr)) {
        throw py::type_error(text("An address or handle is an int, or an object that int() makes one of, not ",
                                  py::str(py::type::of(object).attr("__name__")).cast<std::string>(), "."));
    }
    const auto number =
        py::reinterpret_steal<py::object>(whole ? PyNumber_Index(object.ptr()) : PyNumber_Long(object.ptr()));
    if (!number) {
        throw py::error_already_set();
    }
    const std::uint64_t address = PyLong_AsUnsignedLongLong(number.ptr());
    if (PyErr_Occurred() != nullptr) {
        throw py::error_already_set();
    }
    return address;
}

std::vector<std::uint64_t> addresses_of(const py::iterable& objects) {
    std::vector<std::uint64_t> addresses;
    for (const py::handle object : objects) {
        addresses.push_back(address_of(object));
    }
    return addresses;
}

ByteView::ByteView(py::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) {
        throw py::error_already_set();
    }
}

void require(bool success) {
    if (!success) {
        throw std::runtime_error(lastError());
    }
}

void bind_values(py::module_& module) {
    bind_dims(module);
    bind_permutation(module);
    bind_weights(module);
    bind_host_memory(module);
}

} // namespace tensorvk::bindings
