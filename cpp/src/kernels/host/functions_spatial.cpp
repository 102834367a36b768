// Windows, sampling and regions of images.
#include <array>

#include "kernels/host/spatial.hpp"

namespace tensorvk::kernels::host {

namespace {

constexpr std::array kFunctions{
    Function{"Conv", convolution_with_data},
    Function{"ConvTranspose", transposed_convolution_with_data},
    Function{"DeformConv", deformable_convolution},
    Function{"Col2Im", columns_to_image},
    Function{"MaxPool", max_pool},
    Function{"AveragePool", average_pool},
    Function{"LpPool", lp_pool},
    Function{"GlobalLpPool", global_lp_pool},
    Function{"MaxUnpool", max_unpool},
    Function{"GridSample", grid_sample},
    Function{"AffineGrid", affine_grid},
    Function{"RoiAlign", roi_align},
    Function{"MaxRoiPool", max_roi_pool},
    Function{"Resize", resize_with_data},
    Function{"Upsample", resize_with_data},
};

} // namespace

std::span<const Function> spatial_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
