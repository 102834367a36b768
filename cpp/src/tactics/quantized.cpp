#include "tactics/quantized.hpp"

#include <algorithm>

#include "kernels/quantized_line.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/rounds.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::size_t kBatchAxes = 6; // what quantized/matrix has parameters for

constexpr std::int64_t kExact = 1 << 24; // whole numbers up to here are float32 numbers

//! The largest |value - zero| of an 8-bit type.
std::int64_t reach(DataType type, std::int64_t zero) {
    const std::int64_t least = type == DataType::kINT8 ? -128 : 0;
    return std::max(zero - least, least + 255 - zero);
}


//! One invocation per word of the output.
void add_word_grid(StepBuilder& step, shape::ExprPool& exprs, shape::Expr count, DataType type) {
    const shape::Expr words = exprs.ceil_div(count, exprs.constant(elements_per_word(type)));
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(words, exprs.constant(kLocalSize)));
}

//! Kernels of one step: a shader, which finds immediates and bias in a table, and the host's, which take the bias as it is.
struct Carrier {
    const char* kernel;
    bool host;
};
constexpr Carrier kShader{"quantized/generic:", false}, kOnednn{"cpu/quantized_convolution:", true}, kTiles{"cpu/tiled_convolution:", true};
constexpr Carrier kMatrixShader{"quantized/matrix:int8", false}, kMatrixTiles{"cpu/tiled_matrix:int8", true}, kMatrixOnednn{"cpu/quantized_matrix:int8", true};

std::string kernel_of(const ConvolutionProblem& p, const Carrier& carrier) {
    if (carrier.kernel == kTiles.kernel) return text(carrier.kernel, p.transposed() ? "transposed_int8" : "int8");
    return text(carrier.kernel, p.transposed() ? "transposed" : "forward");
}

//! Binding 2; constants 2 and 3 tell hosts whether the second factor stays as it is, and whether there is a bias.
void add_bias(StepBuilder& step, const Carrier& carrier, std::int32_t bias, std::int32_t table, const Value& weights, const Lowering& lowering) {
    if (!carrier.host) {
        step.reads(table);
        return;
    }
    step.geometry(2, lowering.is_constant(weights) ? 1 : 0).geometry(3, bias >= 0 ? 1 : 0);
    step.reads(bias >= 0 ? bias : weights.buffer);
}

void lower_convolution(const ConvolutionProblem& p, const Carrier& carrier, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const std::int32_t table = carrier.host ? -1 : pack_parameters(lowering, p.operation.name, p.operation.epilogue, p.bias, p.out_channels);
    StepBuilder step(lowering, p.operation.name, kernel_of(p, carrier));
    const shape::Expr count = exprs.product(p.y.dims);
    add_word_grid(step, exprs, count, p.y.dtype);
    step.param(count).param(p.out_channels).params(p.spatial(p.y, exprs)).param(p.in_channels).params(p.spatial(p.x, exprs));
    step.param(p.groups).params(p.kernel).params(p.stride).params(p.dilation).params(p.pre);
    step.param(p.x.layout == Layout::kCHANNELS_LAST ? 1 : 0).param(p.y.layout == Layout::kCHANNELS_LAST ? 1 : 0);
    step.param(p.convolution().zero.x).param(p.convolution().zero.weights);
    step.reads(p.x.buffer).reads(p.weights.buffer);
    add_bias(step, carrier, p.bias, table, p.weights, lowering);
    step.writes(p.y.buffer);
    add_quantized_epilogue(step, lowering, p.operation, p.roles, !carrier.host && lowering.caps().is_cpu);
    lowering.add(step.take());
}

//! Why oneDNN cannot do it with our numbers, or empty.
std::string refuse_convolution_on_cpu(const ConvolutionProblem& p, const Query& query) {
    if (std::string why = refuse_cpu(query, kernel_of(p, kOnednn)); !why.empty()) return why;
    const ZeroPoints& zero = p.convolution().zero;
    if (p.weights.dtype != DataType::kINT8 || zero.weights != 0) return "the weights are not int8 around 0";
    for (const Value* value : {&p.x, &p.y}) {
        if (value->layout == Layout::kLINEAR) return text("'", value->name, "' is in rows; oneDNN's fast kernels for bytes take channels last, and the others are a hundred times slower than tiles");
    }
    const std::int64_t terms = p.group_in() * p.taps();
    const bool sums = p.y.dtype == DataType::kINT32 && p.operation.epilogue.empty();
    if ((sums || p.bias >= 0) && terms > exact_terms(p.x, p.weights, zero)) {
        return text("a sum has ", terms, " terms; oneDNN hands over float32, which holds ", exact_terms(p.x, p.weights, zero), " exactly");
    }
    return refuse_epilogue(query, p.roles, false);
}

void lower_matrix(const MatrixProblem& p, const Carrier& carrier, std::int64_t columns, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const std::int32_t table = carrier.host ? -1 : pack_parameters(lowering, p.operation.name, p.operation.epilogue, p.bias, columns);
    StepBuilder step(lowering, p.operation.name, carrier.kernel);
    const shape::Expr count = exprs.product(p.c.dims);
    add_word_grid(step, exprs, count, p.c.dtype);
    add_matrix_sizes(step, p, lowering, count);
    step.param(p.product().zero.x).param(p.product().zero.weights);
    step.reads(p.a.buffer).reads(p.b.buffer);
    add_bias(step, carrier, p.bias, table, p.b, lowering);
    step.writes(p.c.buffer);
    add_quantized_epilogue(step, lowering, p.operation, p.roles, !carrier.host && lowering.caps().is_cpu);
    lowering.add(step.take());
}

//! What is said of a program that is a line beside the program itself.
void add_line(StepBuilder& step, const kernels::PointwiseProgram& program, std::int32_t modes, DataType result) {
    std::vector<bool> per_element;
    for (std::size_t k = 0; k < kernels::PointwiseProgram::kMaxOperands; ++k) {
        const auto kind = static_cast<OperandKind>(static_cast<std::uint32_t>(modes) >> (8 * k + 6) & 3);
        per_element.push_back(kind == OperandKind::kSAME);
    }
    if (const auto line = kernels::quantized_line(program, per_element, result == DataType::kINT8 ? -128 : 0)) step.constants(kernels::encode(*line));
}

//! What no carrier takes.
std::string refuse_matrix_shape(const MatrixProblem& p, const Query& query) {
    if (p.c.dims.size() > kBatchAxes + 2)
        return text("the product has rank ", p.c.dims.size(), ", the kernel takes at most ", kBatchAxes + 2);
    if (p.c.layout != Layout::kLINEAR) return "the product is stored channels last, the kernel writes rows";
    if (std::string why = refuse_quantized(query); !why.empty()) return why;
    return refuse_epilogue(query, p.roles, p.c.dims.size() <= 5);
}

std::string refuse_matrix(const MatrixProblem& p, const Query& query) {
    if (std::string why = refuse_matrix_shape(p, query); !why.empty()) return why;
    if (!query.exprs.value(p.n)) return "the number of columns is dynamic, the kernel keeps a table of them";
    const std::int64_t rounds = rounds_of(most_of(query.exprs, p.k), kProductBodies);
    return refuse_rounds(query.caps, elements_per_word(p.c.dtype) * rounds);
}

//! oneDNN multiplies by one matrix of int8; what both numbers are less is left to us.
std::string refuse_matrix_on_onednn(const MatrixProblem& p, const Query& query) {
    if (std::string why = refuse_cpu(query, kMatrixOnednn.kernel); !why.empty()) return why;
    if (std::string why = refuse_matrix_shape(p, query); !why.empty()) return why;
    if (p.b.dtype != DataType::kINT8 || p.product().zero.weights != 0) return "the second factor is not int8 around 0";
    const auto one = [&](shape::Expr extent) { return query.exprs.is(extent, 1); };
    if (!std::all_of(p.b.dims.begin(), p.b.dims.end() - 2, one)) return "the second factor is not the same for the whole batch";
    if (p.product().transpose_a && p.a.dims.size() > 2) return "rows of the first factor lie in several places";
    return {};
}

std::string first_of(std::string a, std::string b) { return a.empty() ? std::move(b) : std::move(a); }

std::vector<Candidate> product_tactics(const std::string& family, const std::string& refusal, const Product& product, const Query& query) {
    std::vector<Candidate> out = quantized_tile(family, refusal, product, query);
    for (const auto tactic : {quantized_dot, quantized_coopmat, quantized_halo}) {
        for (Candidate& candidate : tactic(family, refusal, product, query)) out.push_back(std::move(candidate));
    }
    return out;
}

//! What is refused lowers nothing.
std::vector<Candidate> without_refused(std::vector<Candidate> candidates) {
    for (Candidate& candidate : candidates) {
        if (!candidate.applicable()) candidate.lower = nullptr;
    }
    return candidates;
}

} // namespace

std::int64_t exact_terms(const Value& x, const Value& weights, const ZeroPoints& zero) {
    return kExact / std::max<std::int64_t>(reach(x.dtype, zero.x) * reach(weights.dtype, zero.weights), 1);
}

bool is_quantized(const Query& query) { return is_byte(query.input(0).dtype); }

const ZeroPoints& zero_points(const Operation& operation) {
    const auto* convolution = std::get_if<Convolution>(&operation.kind);
    return convolution != nullptr ? convolution->zero : std::get<MatrixProduct>(operation.kind).zero;
}

std::string refuse_quantized_tile(const Product& product) {
    if (product.shape().depth() == 0) return "the sums have no terms; the generic kernel stores what is left";
    const bool words = product.y().dtype == DataType::kFLOAT || product.y().dtype == DataType::kINT32;
    if (words || product.shape().output_vectors) return {};
    return text("there are ", product.shape().columns, " output channels, in rows or not in fours; the kernel stores four ",
                "elements of less than 32 bits at once");
}

std::string refuse_signed_tile(const Product& product, const Query& query) {
    const std::int32_t zero = zero_points(product.operation()).weights;
    if (zero != (query.input(1).dtype == DataType::kINT8 ? 0 : 128)) return text("the weights' zero point is ", zero, "; less that they would not fit into int8");
    return refuse_quantized_tile(product);
}

std::int32_t signed_zero(const Product& product) { return zero_points(product.operation()).x - (product.x().dtype == DataType::kUINT8 ? 128 : 0); }

std::string refuse_quantized(const Query& query) {
    for (const std::size_t factor : {std::size_t{0}, std::size_t{1}}) {
        const Value& value = query.input(factor);
        if (!is_byte(value.dtype)) return text("'", value.name, "' is ", dtype_name(value.dtype), "; both factors have to be int8 or uint8");
    }
    return refuse_word_type(query.output());
}

void add_quantized_epilogue(StepBuilder& step, Lowering& lowering, const Operation& operation, const AxisRoles& roles, bool table) {
    const auto type = [&](ValueId id) { return word_type(lowering.value(id).dtype); };
    std::int32_t types = type(operation.outputs[0]) | type(operation.inputs[0]) << 4 | type(operation.inputs[1]) << 8;
    for (std::size_t k = 0; k < kernels::PointwiseProgram::kMaxOperands; ++k) {
        const bool there = k < operation.operands.size();
        types |= there ? type(operation.operands[k]) << (12 + 4 * k) : 0;
        step.reads(lowering.value(there ? operation.operands[k] : operation.inputs[1]).buffer);
    }
    const DataType result = lowering.value(operation.outputs[0]).dtype;
    kernels::PointwiseProgram program = stored_program(operation.epilogue, result);
    const std::int32_t modes = operand_modes(lowering, operation, roles);
    step.geometry(0, types).geometry(1, modes).geometry(15, table ? 1 : 0);
    if (!lowering.caps().is_cpu && is_byte(result)) add_line(step, program, modes, result);
    for (kernels::PointwiseSlot& slot : program.slots) {
        slot.immediate = table ? 0.0f : slot.immediate;
    }
    step.pointwise(program);
}

std::vector<Candidate> quantized_convolution_candidates(const Query& query) {
    const ConvolutionProblem problem(query);
    const std::string family = problem.transposed() ? "deconv_int8" : "conv_int8";
    const std::string types = refuse_quantized(query);
    std::vector<Candidate> out = types.empty() ? convolution_depthwise(problem, query) : std::vector<Candidate>{};
    for (Candidate& candidate :
         product_tactics(family, first_of(types, Product::refuse(problem, query)), Product(problem, query.exprs), query)) {
        out.push_back(std::move(candidate));
    }
    if (types.empty()) {
        for (const auto tactic : {quantized_widened, quantized_window}) {
            for (Candidate& candidate : tactic(problem, query)) out.push_back(std::move(candidate));
        }
    }
    out.push_back({.name = family + "/generic",
                   .refusal = first_of(types, first_of(refuse_rounds(query.caps, elements_per_word(problem.y.dtype) * problem.taps() * (1 + rounds_of(problem.group_in(), kProductBodies))),
                                                       refuse_epilogue(query, problem.roles, true))),
                   .portable = true,
                   .lower = [problem](Lowering& lowering) { lower_convolution(problem, kShader, lowering); }});
    out.push_back({.name = family + "/cpu",
                   .refusal = first_of(types, refuse_convolution_on_cpu(problem, query)),
                   .host = true,
                   .lower = [problem](Lowering& lowering) { lower_convolution(problem, kOnednn, lowering); }});
    out.push_back({.name = family + "/cpu_tile",
                   .refusal = first_of(types, first_of(refuse_cpu(query, kernel_of(problem, kTiles)), refuse_epilogue(query, problem.roles, true))),
                   .host = true,
                   .lower = [problem](Lowering& lowering) { lower_convolution(problem, kTiles, lowering); }});
    return without_refused(std::move(out));
}

std::vector<Candidate> quantized_matrix_candidates(const Query& query) {
    const MatrixProblem problem(query);
    const std::string types = refuse_quantized(query);
    std::vector<Candidate> out =
        product_tactics("matrix_int8", first_of(types, Product::refuse(problem, query)), Product(problem, query.exprs), query);
    const std::int64_t columns = query.exprs.value(problem.n).value_or(0);
    out.push_back({.name = "matrix_int8/generic",
                   .refusal = refuse_matrix(problem, query),
                   .portable = true,
                   .lower = [problem, columns](Lowering& lowering) { lower_matrix(problem, kMatrixShader, columns, lowering); }});
    out.push_back({.name = "matrix_int8/cpu",
                   .refusal = refuse_matrix_on_onednn(problem, query),
                   .host = true,
                   .lower = [problem, columns](Lowering& lowering) { lower_matrix(problem, kMatrixOnednn, columns, lowering); }});
    out.push_back({.name = "matrix_int8/cpu_tile",
                   .refusal = first_of(refuse_cpu(query, kMatrixTiles.kernel), refuse_matrix_shape(problem, query)),
                   .host = true,
                   .lower = [problem, columns](Lowering& lowering) { lower_matrix(problem, kMatrixTiles, columns, lowering); }});
    return without_refused(std::move(out));
}

} // namespace tensorvk::tactics
