#include "kernels/host/functions.hpp"

#include <map>

namespace tensorvk::kernels::host {

const Function* find_function(std::string_view name) {
    static const std::map<std::string_view, Function> functions = [] {
        std::map<std::string_view, Function> all;
        for (const auto family : {
                 selection_functions(),
                 suppression_functions(),
                 index_functions(),
                 reduction_functions(),
                 along_axis_functions(),
                 quantize_functions(),
                 recurrent_functions(),
                 spatial_functions(),
                 attention_functions(),
                 signal_functions(),
                 bits_functions(),
                 pointwise_functions(),
                 movement_functions(),
                 loss_functions(),
                 matrix_functions(),
                 fill_functions(),
                 sequence_functions(),
                 image_functions(),
                 einsum_functions(),
                 microsoft_functions(),
             }) {
            for (const Function& function : family) {
                if (!all.emplace(function.name, function).second) {
                    throw InternalError(text("Two host functions have the name '", function.name, "'."));
                }
            }
        }
        return all;
    }();
    const auto it = functions.find(name);
    return it == functions.end() ? nullptr : &it->second;
}

} // namespace tensorvk::kernels::host
