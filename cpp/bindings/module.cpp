#include "bindings.hpp"
#include "interrupt.hpp"

void bind_cudart(pybind11::module_& module);

PYBIND11_MODULE(_core, module) {
    namespace bindings = tensorvk::bindings;
    module.doc() = "TensorVK's C++ API; use it through the package tensorvk.";
    module.attr("tensorvk_version") = TENSORVK_VERSION;
    bindings::install_interrupt_check();
    bindings::bind_enums(module);
    bindings::bind_layer_enums(module);
    bindings::bind_values(module);
    bindings::bind_callbacks(module);
    bindings::bind_tensor(module);
    bindings::bind_layers(module);
    bindings::bind_shape_layers(module);
    bindings::bind_control_layers(module);
    bindings::bind_operator_layers(module);
    bindings::bind_network(module);
    bindings::bind_builder_config(module);
    bindings::bind_engine(module);
    bindings::bind_context(module);
    bindings::bind_runtime(module);
    bindings::bind_builder(module);
    bindings::bind_parser(module);
    bind_cudart(module);
}
