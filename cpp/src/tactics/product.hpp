// A convolution, transposed convolution or matrix product as one or several matrix products: what
// shaders/convolution/product.glsl reads. Rows are output positions, columns output channels of one part, the depth K
// runs over taps and the channels of a group.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tactics/convolution_problem.hpp"
#include "tactics/matrix_problem.hpp"
#include "tactics/packing.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

//! What a tactic needs to know before it lowers: all of it constants.
struct ProductShape {
    std::int64_t parts = 1, columns = 1, channels = 1, taps = 1;
    std::optional<std::int64_t> rows{}; // nullopt: dynamic
    std::int64_t least_rows = 1;        // dynamic dimensions counted as 1
    bool input_vectors = false;         // channels lie together and come in fours
    bool output_vectors = false;
    [[nodiscard]] std::int64_t depth() const { return channels * taps; }
};

//! Products of tiles by channels, one at each point of Winograd's convolution (tactics/winograd.hpp): [points][tiles][channels] -> [points][tiles][columns].
struct PointsProduct {
    Operation operation; // without epilogue
    AxisRoles roles;
    Value weights;
    Packing packing;
    std::int64_t tiles;
    DataType type;     // of the points in memory
    bool half_kernels; // those of float16, which may take float32
    std::int32_t inputs = -1, sums = -1; // buffers
};

//! All kinds of operations behind one face.
class Product {
  public:
    //! Why an operation is no such product, or empty.
    [[nodiscard]] static std::string refuse(const ConvolutionProblem& problem, const Query& query);
    [[nodiscard]] static std::string refuse(const MatrixProblem& problem, const Query& query);

    //! Depth, height and width.
    struct Window {
        ConvolutionProblem::Triple kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, pre{0, 0, 0};
    };

    Product(const ConvolutionProblem& problem, const shape::ExprPool& exprs);
    Product(const MatrixProblem& problem, const shape::ExprPool& exprs);
    explicit Product(const PointsProduct& points);
    //! Why kernels cannot write into the larger value that an operation with a placement has for output 1, or empty.
    [[nodiscard]] std::string refuse_placement(const Query& query) const;
    //! The same product written there.
    [[nodiscard]] Product placed(const Query& query) const;

    [[nodiscard]] const ProductShape& shape() const { return shape_; }
    [[nodiscard]] const Operation& operation() const { return operation_; }
    [[nodiscard]] const Value& x() const { return x_; }
    [[nodiscard]] const Value& y() const { return y_; }
    [[nodiscard]] bool half() const { return half_; }
    [[nodiscard]] std::int32_t type_bits() const { return type_bits_; }
    [[nodiscard]] const AxisRoles& roles() const { return roles_; }
    //! How kernels of this product want their weights; the caller sets multiples and type.
    [[nodiscard]] const Packing& packing() const { return packing_; }

    //! Of all parts that read different ones.
    [[nodiscard]] std::int64_t input_channels() const { return shape_.channels * groups_; }
    //! Of a matrix product whose rows are normalised on their way in.
    [[nodiscard]] std::optional<RowNormalization> normalized() const;
    [[nodiscard]] std::int32_t column_sums() const { return column_sums_; }
    //! Buffers of RowMoments: of the rows that it normalises, and of its result's; -1 where there are none.
    [[nodiscard]] std::int32_t given_moments() const { return given_moments_; }
    [[nodiscard]] std::int32_t moments() const { return moments_; }
    //! No tap of any position reads padding.
    [[nodiscard]] bool always_inside() const { return inside_; }
    //! Of a convolution, also of a transposed one; of a matrix product one tap.
    [[nodiscard]] const Window& window() const { return window_; }
    [[nodiscard]] bool transposed() const { return phases_; }
    //! Output positions.
    [[nodiscard]] shape::Expr rows(shape::ExprPool& exprs) const;
    //! The packed weights, made by an init step once per engine; and the bias as floats, zeros where there is none.
    [[nodiscard]] std::int32_t pack_weights(Lowering& lowering, const Packing& packing) const;
    [[nodiscard]] std::int32_t pack_bias(Lowering& lowering) const;
    //! Of a product of integers, instead of the bias.
    [[nodiscard]] std::int32_t pack_parameters(Lowering& lowering) const;
    //! P(0) .. P(27) and G(16) .. G(28) of rows.glsl, and G(15) of product.glsl.
    void add_params(StepBuilder& step, Lowering& lowering, const Packing& packing) const;

  private:
    //! What rows are numbered by: extents of the output, of a transposed convolution those of each of its phases.
    [[nodiscard]] ConvolutionProblem::Extents grid(shape::ExprPool& exprs) const;
    void add_window(StepBuilder& step, const ConvolutionProblem::Extents& grid, shape::ExprPool& exprs) const;
    void add_matrix_params(StepBuilder& step, Lowering& lowering, const Packing& packing) const;
    void add_points_params(StepBuilder& step, const Packing& packing) const;

    //! Of the larger value that the result is a part of.
    struct Place {
        Value whole;
        std::int64_t first; // its elements in front of the result
    };
    [[nodiscard]] std::optional<Place> place_of(const Query& query) const;
    //! Whose memory is written.
    [[nodiscard]] const Value& target() const { return place_ ? place_->whole : y_; }

    Operation operation_;
    Value x_, weights_, y_;
    std::optional<Place> place_{};
    std::int32_t bias_ = -1, column_sums_ = -1, given_moments_ = -1, moments_ = -1;
    bool half_ = false;
    bool matrix_ = false;
    bool points_ = false;
    bool phases_ = false;
    bool cropped_ = false; // the output is no whole number of strides along each axis
    bool inside_ = true;
    std::int32_t type_bits_ = 0;
    AxisRoles roles_;
    std::int64_t out_channels_ = 0, groups_ = 1;
    Window window_;
    ProductShape shape_;
    Packing packing_;
};

//! What a workgroup's tile takes. One of at most `narrow` columns is never too wide.
struct TileNeeds {
    std::int64_t rows, columns, narrow, shared_bytes, threads;
};
//! Why a device cannot have such workgroups, or a product not enough of rows or columns for them, or empty.
[[nodiscard]] std::string refuse_tile(const TileNeeds& tile, const ProductShape& shape, const vulkan::DeviceCaps& caps);

//! Into how many slices to cut a depth so that tiles of that size busy a large GPU: at most `most`, each at least `least_depth` long.
[[nodiscard]] std::int64_t splits_for(std::int64_t tile_rows, std::int64_t tile_columns, const ProductShape& shape, std::int64_t least_depth, std::int64_t most);

//! What the two families ask: the tactics of products, for an operation that is one or is refused with `refusal`.
//! `family` begins the names: "conv", "deconv" or "matrix".
using ProductTactic = std::vector<Candidate> (*)(const std::string& family, const std::string& refusal,
                                                 const Product& product, const Query& query);

[[nodiscard]] std::vector<Candidate> product_texel(const std::string& family, const std::string& refusal,
                                                   const Product& product, const Query& query);

[[nodiscard]] std::vector<Candidate> product_tile(const std::string& family, const std::string& refusal,
                                                  const Product& product, const Query& query);

[[nodiscard]] std::vector<Candidate> product_shared(const std::string& family, const std::string& refusal,
                                                    const Product& product, const Query& query);

[[nodiscard]] std::vector<Candidate> product_vector(const std::string& family, const std::string& refusal,
                                                    const Product& product, const Query& query);

//! Why a product is none for matrix units of halves, whatever the device, or empty.
[[nodiscard]] std::string refuse_matrix_units(const Product& product);

[[nodiscard]] std::vector<Candidate> product_coopmat(const std::string& family, const std::string& refusal,
                                                     const Product& product, const Query& query);

[[nodiscard]] std::vector<Candidate> product_halo(const std::string& family, const std::string& refusal, const Product& product, const Query& query);

//! What a candidate does around its product: calls `multiply` once, with the product as it is when it is lowered, since only then it is known where its input lies.
using Multiply = std::function<void(const Product&)>;
using AroundProduct = std::function<void(Lowering&, const Multiply& multiply)>;
//! Tiles on matrix units, and through shared memory, of a product of `shape` with steps around. Candidates are called `name`_<tile>; all have estimates, of the product
//! alone.
[[nodiscard]] std::vector<Candidate> coopmat_tiles(const std::string& name, const std::string& refusal, const Product& shape, const vulkan::DeviceCaps& caps,
                                                   const AroundProduct& around);
[[nodiscard]] std::vector<Candidate> shared_tiles(const std::string& name, const std::string& refusal, const Product& shape, const vulkan::DeviceCaps& caps,
                                                  const AroundProduct& around);

//! Grid of a tiled product: `row_groups` tiles of rows (any number: they spill to y), `column_groups` tiles of columns
//! for each of `slices`.
void add_tile_grid(StepBuilder& step, shape::ExprPool& exprs, shape::Expr row_groups, std::int64_t column_groups,
                   std::int64_t slices);

//! The second dispatch of a product whose K is cut: adds the slices in buffer `slices`, then bias, epilogue and store.
void add_slice_sum(const Product& product, const Packing& packing, std::int32_t slices, std::int32_t bias,
                   std::int64_t splits, Lowering& lowering);

//! All of them in the order in which they are tried.
[[nodiscard]] std::vector<Candidate> product_candidates(const std::string& family, const std::string& refusal,
                                                        const Product& product, const Query& query);

} // namespace tensorvk::tactics
