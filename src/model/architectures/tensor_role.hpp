// What the tensors of blocks, the units of placement, are used for.
#pragma once

#include <cstdint>

namespace headroom::model {

/// What a tensor is used for in its block. The roles stand in the order in which every block stores
/// its tensors; Block relies on it. The blocks have these tensors ("?": only models that have it):
///   embed: embedding, first_norm?          lm_head: head, output_norm
///   group: q, k, v, q_bias?, k_bias?, v_bias?, q_norm?, k_norm?; sliced: then o
///   not sliced: proj: o, post_attention_norm?
///               ffn: gate, up, down, ffn_norm?, post_ffn_norm?, next_norm?
///   sliced: slice: gate, up, down
///           hub: post_attention_norm?, ffn_norm?, post_ffn_norm?, next_norm?
///
/// next_norm is the attention norm of the next layer; the last layer has none. The norms named
/// `post` are those of an output, before it is added to the residual stream. Weights of norms and
/// biases are one row in F32: D values, but q·d in q_bias, d in k_bias and v_bias. q_norm and
/// k_norm have d values each if heads are normalised by themselves. If all heads are normalised
/// together, they are this group's part: q·d and d values.
///
/// D is the model's width, d the width of a head, q the number of query heads per group and F the
/// width of the ffn. In a group, tensor q has d rows for each query head, and k and v have d rows
/// each. In a slice, gate and up have F/S rows (S: number of slices). Tensor o of a group and
/// tensor down of a slice have D rows, but only some of the matrix's columns: those that the block
/// stores (struct Columns in slicing.hpp).
enum class TensorRole : std::uint8_t {
    embedding,
    first_norm,
    q,
    k,
    v,
    q_bias,
    k_bias,
    v_bias,
    q_norm,
    k_norm,
    o,
    gate,
    up,
    down,
    post_attention_norm,
    ffn_norm,
    post_ffn_norm,
    next_norm,
    head,
    output_norm,
};

} // namespace headroom::model
