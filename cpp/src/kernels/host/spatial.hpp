// Operators on images and volumes: windows, sampling between pixels, regions. functions_spatial.cpp lists them.
#pragma once

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

void convolution_with_data(Call& call);
void transposed_convolution_with_data(Call& call);
void deformable_convolution(Call& call);
void columns_to_image(Call& call);
void max_pool(Call& call);
void average_pool(Call& call);
void lp_pool(Call& call);
void global_lp_pool(Call& call);
void max_unpool(Call& call);
void grid_sample(Call& call);
void affine_grid(Call& call);
void roi_align(Call& call);
void max_roi_pool(Call& call);
void resize_with_data(Call& call);

} // namespace tensorvk::kernels::host
