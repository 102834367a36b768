// Types of constants beside values in float16 and bfloat16, and numbers beyond these.
#pragma once

#include "compiler/ir.hpp"

namespace tensorvk::compiler {

//! What only moves elements cannot convert them: constants get the type of the result.
void convert_moved_constants(Ir& ir);
//! Operands of pointwise programs are read beside activations and take float16 like these; weights are packed from float32 by the tactics. Where
//! activations are bfloat16, scales and shifts keep the digits that it lacks.
void convert_operand_constants(Ir& ir, DataType internal);
//! Programs with numbers beyond float16 compute with them as they are, and store at most its largest number.
void saturate_results(Ir& ir);

} // namespace tensorvk::compiler
