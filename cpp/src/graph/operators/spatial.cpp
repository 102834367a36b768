// Windows, sampling and regions of images.
#include "graph/operators/spatial.hpp"

#include <array>

#include "graph/operators.hpp"

namespace tensorvk::graph {

namespace {

constexpr std::array kRules{
    OperatorRule{"AffineGrid", 2, 2, affine_grid},
    OperatorRule{"AveragePool", 1, 1, pool_like_input},
    OperatorRule{"Col2Im", 3, 3, columns_to_image},
    OperatorRule{"Conv", 2, 3, convolution_with_data},
    OperatorRule{"ConvTranspose", 2, 3, transposed_convolution_with_data},
    OperatorRule{"DeformConv", 3, 5, convolution_with_data},
    OperatorRule{"GlobalLpPool", 1, 1, global_lp_pool},
    OperatorRule{"GridSample", 2, 2, grid_sample},
    OperatorRule{"ImageDecoder", 1, 1, image_decoder},
    OperatorRule{"LpPool", 1, 1, lp_pool},
    OperatorRule{"MaxPool", 1, 1, max_pool},
    OperatorRule{"MaxRoiPool", 2, 2, max_roi_pool},
    OperatorRule{"MaxUnpool", 2, 3, max_unpool},
    OperatorRule{"Resize", 2, 4, resize_with_data, 1U << 1},
    OperatorRule{"RoiAlign", 3, 3, roi_align},
    OperatorRule{"Upsample", 2, 2, resize_with_data},
};

} // namespace

std::span<const OperatorRule> spatial_rules() { return kRules; }

} // namespace tensorvk::graph
