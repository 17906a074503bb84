#include "python/problem/problem_arrays.hpp"

#include "python/arrays.hpp"

namespace headroom::python {

using scheduler::Snapshot;

py::object table_of_blocks(const PythonProblem& in) {
    const scheduler::Blocks& blocks = *in.blocks;
    const scheduler::Problem& problem = in.problem;
    const std::size_t size = blocks.size();
    const scheduler::CacheRows held = problem.memory_rows();
    const scheduler::CacheRows moved = problem.moved_rows();
    const std::int64_t first = problem.horizon() - 1;
    // A tied lm_head that is pinned beside embed uses the matrix of embed.
    const bool shares = blocks.shape().tied && problem.ends_at_source;
    const auto weights = [&](std::size_t i) {
        const BlockId b(i);
        const bool shared = shares && blocks.name(b).kind == BlockKind::lm_head;
        return (shared ? 0 : blocks.matrix_bytes(b)) + blocks.norm_bytes(b);
    };
    const auto cache = [&](std::size_t i) { return blocks.cache_row_bytes(BlockId(i), held); };
    const auto name = [&](std::size_t i) { return blocks.name(BlockId(i)); };
    return table_of({
        {"name", names_array(size, [&](std::size_t i) { return to_string(name(i)); })},
        {"kind", names_array(size, [&](std::size_t i) { return name_of(name(i).kind); })},
        {"layer", array_of<std::int32_t>(size, [&](std::size_t i) { return name(i).layer; })},
        {"group", array_of<std::int32_t>(size, [&](std::size_t i) { return name(i).group; })},
        {"pinned",
         array_of<bool>(size, [&](std::size_t i) { return problem.is_pinned(BlockId(i)); })},
        {"flops",
         array_of<std::int64_t>(
             size, [&](std::size_t i) { return blocks.flops(BlockId(i), first, 1); }
         )},
        {"touched_bytes",
         array_of<std::int64_t>(
             size, [&](std::size_t i) { return blocks.touched_bytes(BlockId(i), first, 1); }
         )},
        {"weight_bytes", array_of<std::int64_t>(size, weights)},
        {"cache_bytes", array_of<std::int64_t>(size, cache)},
        {"resident_bytes",
         array_of<std::int64_t>(size, [&](std::size_t i) { return weights(i) + cache(i); })},
        {"moved_cache_bytes",
         array_of<std::int64_t>(
             size, [&](std::size_t i) { return blocks.cache_row_bytes(BlockId(i), moved); }
         )},
    });
}

py::object sequence_table(const scheduler::Problem& problem) {
    const auto& all = problem.sequences;
    const auto column = [&](const auto& value) {
        return array_of<std::int64_t>(all.size(), [&](std::size_t i) { return value(all[i]); });
    };
    using scheduler::InFlight;
    return table_of({
        {"context", column([](const InFlight& s) { return s.context; })},
        {"rows", column([](const InFlight& s) { return s.rows; })},
        {"prompt_rows", column([](const InFlight& s) { return s.prompt.rows; })},
        {"prompt_remaining", column([](const InFlight& s) { return s.prompt.remaining; })},
        {"prompt_max_new_tokens",
         column([](const InFlight& s) { return s.prompt.max_new_tokens; })},
    });
}

py::object link_matrix(
    const Snapshot& snapshot, std::int64_t Snapshot::Link::*member, std::int64_t diagonal
) {
    const std::size_t n = snapshot.size();
    const py::array flat = array_of<std::int64_t>(n * n, [&](std::size_t pair) {
        return pair / n == pair % n ? diagonal : snapshot.link_at(pair).*member;
    });
    return flat.attr("reshape")(n, n);
}

py::object device_column(const Snapshot& snapshot, std::int64_t Snapshot::Device::*member) {
    return array_of<std::int64_t>(snapshot.size(), [&](std::size_t d) {
        return snapshot.devices[d].*member;
    });
}

py::object rates_table(const Snapshot& snapshot) {
    using Rates = scheduler::TypeRates<PerSecond>;
    std::vector<std::pair<std::size_t, Rates>> rows;
    for (std::size_t d = 0; d < snapshot.size(); ++d) {
        for (const Rates& rates : snapshot.devices[d].rates) {
            rows.emplace_back(d, rates);
        }
    }
    const auto column = [&](PerSecond Rates::*member) {
        return array_of<std::int64_t>(rows.size(), [&](std::size_t i) {
            return rows[i].second.*member;
        });
    };
    return table_of({
        {"device",
         array_of<std::int32_t>(rows.size(), [&](std::size_t i) { return rows[i].first; })},
        {"type",
         names_array(rows.size(), [&](std::size_t i) { return name_of(rows[i].second.type); })},
        {"compute", column(&Rates::compute)},
        {"memory_bandwidth", column(&Rates::memory_bandwidth)},
        {"prefill_compute", column(&Rates::prefill_compute)},
    });
}

} // namespace headroom::python
