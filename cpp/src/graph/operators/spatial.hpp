// Rules of operators on images and volumes. spatial.cpp lists them.
#pragma once

#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph {

// spatial_windows.cpp
[[nodiscard]] std::vector<Inferred> convolution_with_data(RuleContext& context);
[[nodiscard]] std::vector<Inferred> transposed_convolution_with_data(RuleContext& context);
[[nodiscard]] std::vector<Inferred> columns_to_image(RuleContext& context);
[[nodiscard]] std::vector<Inferred> max_pool(RuleContext& context);
[[nodiscard]] std::vector<Inferred> pool_like_input(RuleContext& context);
[[nodiscard]] std::vector<Inferred> global_lp_pool(RuleContext& context);
[[nodiscard]] std::vector<Inferred> lp_pool(RuleContext& context);
[[nodiscard]] std::vector<Inferred> max_unpool(RuleContext& context);
// spatial_sampling.cpp
[[nodiscard]] std::vector<Inferred> grid_sample(RuleContext& context);
[[nodiscard]] std::vector<Inferred> affine_grid(RuleContext& context);
[[nodiscard]] std::vector<Inferred> image_decoder(RuleContext& context);
[[nodiscard]] std::vector<Inferred> roi_align(RuleContext& context);
[[nodiscard]] std::vector<Inferred> max_roi_pool(RuleContext& context);
// spatial_resize.cpp
[[nodiscard]] std::vector<Inferred> resize_with_data(RuleContext& context);

} // namespace tensorvk::graph
