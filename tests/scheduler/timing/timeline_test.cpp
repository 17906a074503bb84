// The timeline: the worked example of docs/explanation/time.md#worked-example to the nanosecond,
// and each rule by hand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {

void PrintTo(const OpRecord& op, std::ostream* out) {
    *out << fmt::format("{{{} {} {} {}}}", op.device.value, op.block.value, op.start, op.end);
}

void PrintTo(const MessageRecord& m, std::ostream* out) {
    *out << fmt::format(
        "{{{}->{} {} {} B {} {}}}",
        m.from.value,
        m.to.value,
        name_of(m.payload),
        m.bytes,
        m.begin,
        m.arrival
    );
}

namespace {

constexpr DeviceId kA{0};
constexpr DeviceId kB{1};
constexpr DeviceId kC{2};
constexpr std::int64_t kContext = 10;
constexpr TurnWork kStep{kContext - 1, 1};

/// One step of the worked example, from a fleet that a test has changed.
struct Example {
    Blocks blocks{testing::example_shape()};
    Fleet fleet = testing::example_fleet();
    Placement placement = testing::example_placement();
    TimelineLog log;

    Nanoseconds step(const Timeline::Overload* overload = nullptr, TurnWork work = kStep) {
        log = {};
        Timeline timeline(blocks, fleet.size());
        const std::vector<Program> programs =
            lower(blocks, placement, fleet.source, fleet.size(), medium_of(fleet));
        return timeline.turn(programs, FleetRates(fleet, 0), work, fleet.source, overload, &log);
    }
    [[nodiscard]] BlockId head(std::int32_t g) const { return blocks.group(0, g); }
};

TEST(WorkedExample, has_the_times_of_the_design) {
    Example example;
    EXPECT_EQ(example.step(), 4'948'352);
    const Blocks& b = example.blocks;
    EXPECT_EQ(
        example.log.ops,
        (std::vector<OpRecord>{
            {kA, b.embed(), 0, 0},
            {kA, example.head(0), 0, 13'568},
            {kA, b.proj(0), 2'390'784, 2'398'976},
            {kA, b.lm_head(), 4'935'552, 4'948'352},
            {kB, example.head(1), 1'256'000, 1'262'784},
            {kB, b.ffn(0), 3'654'976, 3'679'552},
        })
    );
    EXPECT_EQ(
        example.log.messages,
        (std::vector<MessageRecord>{
            {kB, kA, Payload::head_outputs, 0, 128, 1'262'784, 2'390'784},
            {kB, kA, Payload::last_x, 0, 256, 3'679'552, 4'935'552},
            {kA, kB, Payload::normed_x, 0, 256, 0, 1'256'000},
            {kA, kB, Payload::residual, 0, 256, 2'398'976, 3'654'976},
        })
    );
}

TEST(WorkedExample, on_one_device_costs_its_operations_only) {
    Example example;
    example.placement.assign(example.blocks.size(), kA);
    EXPECT_EQ(example.step(), 97'280);
    EXPECT_TRUE(example.log.messages.empty());
}

TEST(WorkedExample, moves_a_head_in_28_136_000_ns) {
    const Blocks blocks(testing::example_shape());
    const Snapshot snapshot = take_snapshot(testing::example_fleet(), 0, 0);
    const Placement all_a(blocks.size(), kA);
    Placement to = testing::example_placement();
    to[blocks.group(0, 1).index()] = kA;
    EXPECT_EQ(
        predict_migration(blocks, testing::example_placement(), to, snapshot, {10, 10}), 28'136'000
    );
    EXPECT_EQ(predict_inference(blocks, all_a, snapshot, kA, kContext), 97'280);
    EXPECT_EQ(
        predict_inference(blocks, testing::example_placement(), snapshot, kA, kContext), 4'948'352
    );
}

TEST(WorkedExample, with_weights_everywhere_sends_the_cache_and_loads_the_rest) {
    const Blocks blocks(testing::example_shape());
    Fleet fleet = testing::example_fleet();
    for (DeviceSpec& spec : fleet.devices) {
        spec.has_storage = true;
        spec.storage_bandwidth = testing::constant_profile(10'000'000);
    }
    // Head 1 goes to A: 2 560 B of cache over the link, 24 576 B from A's storage meanwhile.
    Placement to = testing::example_placement();
    to[blocks.group(0, 1).index()] = kA;
    const Snapshot snapshot = take_snapshot(fleet, 0, 0);
    EXPECT_EQ(
        predict_migration(blocks, testing::example_placement(), to, snapshot, {10, 10}, true),
        3'560'000
    );
    // ffn (98 304 + 256 B) goes to A too, after head 1; proj (16 384 B) to B, at the same time.
    to[blocks.ffn(0).index()] = kA;
    to[blocks.proj(0).index()] = kB;
    const auto moves = moves_between(blocks, testing::example_placement(), to, {10, 10}, true);
    EXPECT_EQ(
        moves,
        (std::vector<Move>{
            {blocks.group(0, 1), kB, kA, 2'560, 24'576},
            {blocks.proj(0), kA, kB, 0, 16'384},
            {blocks.ffn(0), kB, kA, 0, 98'560},
        })
    );
    std::vector<MoveRecord> log;
    Timeline timeline(blocks, 2);
    EXPECT_EQ(timeline.migrate(moves, FleetRates(fleet, 0), 70, &log), 70 + 12'313'600);
    EXPECT_EQ(
        log,
        (std::vector<MoveRecord>{
            {moves[0], 70, 70 + 3'560'000},
            {moves[1], 70, 70 + 1'638'400},
            {moves[2], 70 + 2'457'600, 70 + 12'313'600},
        })
    );
}

/// The worked example cut in slices: two of 64 columns, hub on B. A group has 2·3·32·64 + 4·10·32 +
/// 2·32·64 = 17 664 FLOP, a slice 6·64·64 = 24 576; 256 B take 256 000 ns on a link, and 1 ms more.
struct SlicedExample : Example {
    explicit SlicedExample(Reduce reduce) {
        blocks = Blocks(testing::example_shape(), {Granularity::sliced, 2, reduce});
        placement = {kA, kA, kB, kA, kB, kB, kA}; // embed, two groups, two slices, hub, lm_head
    }
    [[nodiscard]] BlockId slice(std::int32_t s) const { return blocks.slice(0, s); }
};

/// A sends B the normed x: 0 … 256 000, there at 1 256 000; behind it x: 256 000 … 512 000, there
/// at 1 512 000. A: group 0 ends 17 664; its partial (256 B, one block) waits for the link: 512 000
/// … 768 000, at B 1 768 000. B: group 1 (half the time) 1 256 000 … 1 264 832. The hub has x and
/// both partials at 1 768 000 and sends the normed sum: at A 3 024 000. B: slice 1 ends 1 780 288.
/// A: slice 0 ends 3 048 576; its partial is at B 4 304 576: the next x, at A 5 560 576. A: lm_head
/// (12 800) ends 5 573 376 = D_inf.
TEST(WorkedExample, sliced_with_a_hub_has_the_times_worked_out_by_hand) {
    SlicedExample example(Reduce::hub);
    EXPECT_EQ(example.step(), 5'573'376);
    const Blocks& b = example.blocks;
    EXPECT_EQ(
        example.log.ops,
        (std::vector<OpRecord>{
            {kA, b.embed(), 0, 0},
            {kA, example.head(0), 0, 17'664},
            {kA, example.slice(0), 3'024'000, 3'048'576},
            {kA, b.lm_head(), 5'560'576, 5'573'376},
            {kB, example.head(1), 1'256'000, 1'264'832},
            {kB, b.hub(0), 1'768'000, 1'768'000},
            {kB, example.slice(1), 1'768'000, 1'780'288},
            {kB, b.hub(0), 4'304'576, 4'304'576},
        })
    );
    EXPECT_EQ(
        example.log.messages,
        (std::vector<MessageRecord>{
            {kB, kA, Payload::normed_residual, 0, 256, 1'768'000, 3'024'000},
            {kB, kA, Payload::last_x, 0, 256, 4'304'576, 5'560'576},
            {kA, kB, Payload::normed_x, 0, 256, 0, 1'256'000},
            {kA, kB, Payload::x, 0, 256, 256'000, 1'512'000},
            {kA, kB, Payload::attention_partial, 0, 256, 512'000, 1'768'000},
            {kA, kB, Payload::ffn_partial, 0, 256, 3'048'576, 4'304'576},
        })
    );
}

/// Both groups on A: B gets x alone, 0 … 256 000, and the sum of two (512 B): groups end at 17 664
/// and 35 328, the link is free at 256 000, the sum there at 1 768 000. From there as above.
TEST(WorkedExample, sliced_sends_the_sum_of_two_blocks_in_8_bytes_a_number) {
    SlicedExample example(Reduce::hub);
    example.placement[example.head(1).index()] = kA;
    EXPECT_EQ(example.step(), 5'573'376);
    EXPECT_EQ(
        std::vector<MessageRecord>(example.log.messages.begin() + 2, example.log.messages.end()),
        (std::vector<MessageRecord>{
            {kA, kB, Payload::x, 0, 256, 0, 1'256'000},
            {kA, kB, Payload::attention_partial, 0, 512, 256'000, 1'768'000},
            {kA, kB, Payload::ffn_partial, 0, 256, 3'048'576, 4'304'576},
        })
    );
}

/// Parts of 32: 256 B of sums, 128 B of x. B gets x at 1 256 000 and normalises it itself. A: group
/// 0 ends 17 664; its part 0 waits for the link: 256 000 … 512 000, at B 1 512 000. B: group 1 ends
/// 1 264 832; its part 1 is at A 2 520 832: complete, x of it at B 3 648 832. B completes part 0 at
/// 1 512 000 and sends x of it when the link is free: 1 520 832 … 1 648 832, at A 2 648 832.
/// A: slice 0 ends 2 673 408, part 0 at B 3 929 408. B: slice 1 3 648 832 … 3 661 120, part 1 at A
/// 4 917 120, x of it at B 6 045 120. B completes part 0 at 3 929 408, x of it at A 5 057 408.
/// A: lm_head ends 5 070 208 = D_inf.
TEST(WorkedExample, sliced_with_a_ring_has_the_times_worked_out_by_hand) {
    SlicedExample example(Reduce::ring);
    EXPECT_EQ(example.step(), 5'070'208);
    const Blocks& b = example.blocks;
    EXPECT_EQ(
        example.log.ops,
        (std::vector<OpRecord>{
            {kA, b.embed(), 0, 0},
            {kA, example.head(0), 0, 17'664},
            {kA, example.slice(0), 2'648'832, 2'673'408},
            {kA, b.lm_head(), 5'057'408, 5'070'208},
            {kB, example.head(1), 1'256'000, 1'264'832},
            {kB, b.hub(0), 3'648'832, 3'648'832},
            {kB, example.slice(1), 3'648'832, 3'661'120},
            {kB, b.hub(0), 6'045'120, 6'045'120},
        })
    );
    EXPECT_EQ(
        example.log.messages,
        (std::vector<MessageRecord>{
            {kB, kA, Payload::ring_sum, 0, 256, 1'264'832, 2'520'832},
            {kB, kA, Payload::ring_x, 0, 128, 1'520'832, 2'648'832},
            {kB, kA, Payload::ring_sum, 0, 256, 3'661'120, 4'917'120},
            {kB, kA, Payload::ring_x, 0, 128, 3'929'408, 5'057'408},
            {kA, kB, Payload::x, 0, 256, 0, 1'256'000},
            {kA, kB, Payload::ring_sum, 0, 256, 256'000, 1'512'000},
            {kA, kB, Payload::ring_x, 0, 128, 2'520'832, 3'648'832},
            {kA, kB, Payload::ring_sum, 0, 256, 2'673'408, 3'929'408},
            {kA, kB, Payload::ring_x, 0, 128, 4'917'120, 6'045'120},
        })
    );
}

TEST(WorkedExample, sliced_on_one_device_costs_what_whole_blocks_do) {
    for (const Reduce reduce : {Reduce::hub, Reduce::ring}) {
        SlicedExample example(reduce);
        example.placement.assign(example.blocks.size(), kA);
        EXPECT_EQ(example.step(), 97'280);
        EXPECT_TRUE(example.log.messages.empty());
    }
}

/// Group 1 with its columns of proj: (3 + 1)·32·64·4 = 32 768 B and 10 rows, 2560 B. The hub: one
/// norm, 256 B, behind it on the same link.
TEST(WorkedExample, sliced_moves_a_group_with_its_columns_and_a_hub_with_its_norms) {
    SlicedExample example(Reduce::hub);
    const Snapshot snapshot = take_snapshot(example.fleet, 0, 0);
    Placement to = example.placement;
    to[example.head(1).index()] = kA;
    EXPECT_EQ(
        predict_migration(example.blocks, example.placement, to, snapshot, {10, 10}), 36'328'000
    );
    to[example.blocks.hub(0).index()] = kA;
    EXPECT_EQ(
        moves_between(example.blocks, example.placement, to, {10, 10}),
        (std::vector<Move>{
            {example.head(1), kB, kA, 35'328, 0}, {example.blocks.hub(0), kB, kA, 256, 0}})
    );
    EXPECT_EQ(
        predict_migration(example.blocks, example.placement, to, snapshot, {10, 10}), 36'584'000
    );
}

TEST(Turn, of_a_prefill_sends_partials_of_all_tokens) {
    SlicedExample example(Reduce::hub);
    (void)example.step(nullptr, {0, 3});
    EXPECT_EQ(example.log.messages.back().payload, Payload::ffn_partial);
    EXPECT_EQ(example.log.messages.back().bytes, 3 * 256);
    SlicedExample ring(Reduce::ring);
    (void)ring.step(nullptr, {0, 3});
    EXPECT_EQ(ring.log.messages[0].bytes, 3 * 256);
    EXPECT_EQ(ring.log.messages[1].bytes, 3 * 128);
}

TEST(Turn, of_a_prefill_sends_all_tokens_and_samples_once) {
    Example example;
    const Nanoseconds end = example.step(nullptr, {0, 3});
    // Contexts 1 … 3: 3·12 288 + 4·32·6 = 37 632 per head; messages × 3 but the last x.
    const Nanoseconds outputs = 1'768'000 + 18'816 + 1'384'000;
    const Nanoseconds ffn_end = outputs + 3 * 8'192 + 1'768'000 + 3 * 49'152 / 2;
    EXPECT_EQ(example.log.ops[4].end, 1'768'000 + 18'816);
    EXPECT_EQ(example.log.ops[5].end, ffn_end);
    EXPECT_EQ(end, ffn_end + 1'256'000 + 12'800);
}

TEST(Turn, takes_the_slower_of_compute_and_memory_bandwidth) {
    Example example;
    example.placement.assign(example.blocks.size(), kA);
    example.fleet.devices[0].memory_bandwidth.base = 1'000'000'000;
    // heads 2·(24 576 + 2 560), proj 16 384, ffn 98 304, lm_head 25 600 bytes at 1 B/ns.
    EXPECT_EQ(example.step(), 2 * 27'136 + 16'384 + 98'304 + 25'600);
}

TEST(Turn, sends_the_id_to_embed_and_back_to_the_source) {
    Example example;
    example.fleet.source = kB;
    example.placement.assign(example.blocks.size(), kA);
    EXPECT_EQ(example.step(), 1'004'000 + 97'280 + 1'004'000); // 4 B each way
}

TEST(Turn, queues_on_a_busy_link_but_not_on_others) {
    Example example;
    example.fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 1'000'000);
    // x and normed x to B, normed x to C; proj on B.
    example.placement = {kA, kB, kC, kB, kB, kA};
    example.step();
    EXPECT_EQ(
        example.log.messages[1], (MessageRecord{kA, kB, Payload::normed_x, 0, 256, 0, 1'256'000})
    );
    EXPECT_EQ(
        example.log.messages[2], (MessageRecord{kA, kB, Payload::x, 0, 256, 256'000, 1'512'000})
    );
    const MessageRecord to_c = example.log.messages.back();
    EXPECT_EQ(to_c, (MessageRecord{kA, kC, Payload::normed_x, 0, 256, 0, 1'256'000}))
        << "no cap: the queue on A-B is none of C's business";
}

TEST(Turn, holds_a_capped_egress_from_the_begin_of_each_message) {
    Example example;
    example.fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 1'000'000);
    example.fleet.devices[0].egress.base = 2'000'000; // 256 B leave in 128 µs
    example.placement = {kA, kB, kC, kB, kB, kA};
    example.step();
    // x waits for the link until 256 µs and holds the egress from then to 384 µs.
    EXPECT_EQ(example.log.messages[2].begin, 256'000);
    EXPECT_EQ(example.log.messages.back().begin, 384'000);
    EXPECT_EQ(example.log.messages.back().arrival, 384'000 + 256'000 + 1'000'000);
    example.fleet.devices[0].egress.base = 500'000; // 512 µs: slower than the link
    example.step();
    EXPECT_EQ(example.log.messages[1].arrival, 1'512'000);
    EXPECT_EQ(example.log.messages[2].begin, 512'000);
    EXPECT_EQ(example.log.messages.back().begin, 1'024'000);
}

TEST(Turn, serves_a_capped_ingress_in_program_order) {
    Example example;
    example.fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 1'000'000);
    example.fleet.devices[0].ingress.base = 100'000; // 128 B enter in 1.28 ms
    // B's output is late (a slow B), C's early; A serves B first.
    example.fleet.devices[1].compute.base = 10'000'000; // head in 1 356 800 ns
    example.placement = {kA, kB, kC, kA, kA, kA};
    example.step();
    const Nanoseconds from_b = 1'256'000 + 1'356'800 + 1'000'000 + 1'280'000;
    EXPECT_EQ(example.log.messages[0].from, kB);
    EXPECT_EQ(example.log.messages[0].arrival, from_b);
    EXPECT_EQ(example.log.messages[1].from, kC);
    EXPECT_EQ(example.log.messages[1].arrival, from_b + 1'280'000);
}

TEST(Turn, does_not_slow_a_message_down_whose_ingress_is_faster_than_its_link) {
    Example example;
    example.fleet.devices[0].ingress.base = 9'000'000;
    EXPECT_EQ(example.step(), 4'948'352);
}

TEST(Turn, pages_before_the_first_operation_of_a_device_only) {
    Example example;
    example.fleet.devices[1].storage_bandwidth.base = 1'000'000'000;
    example.fleet.devices[1].has_storage = true;
    std::vector<std::pair<DeviceId, Nanoseconds>> asked;
    const Timeline::Overload overload = [&](const Timeline::FirstOperation& first) {
        const auto [d, t] = std::pair(first.device, first.start);
        asked.emplace_back(d, t);
        return d == kB ? Bytes{5'000} : Bytes{0};
    };
    EXPECT_EQ(example.step(&overload), 4'948'352 + 5'000);
    EXPECT_EQ(example.log.ops[4].start, 1'256'000 + 5'000); // L0.g1, after 5000 B at 1 B/ns
    EXPECT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0], (std::pair{kA, Nanoseconds{0}}));
    EXPECT_EQ(asked[1], (std::pair{kB, Nanoseconds{1'256'000}}));
}

TEST(Turn, is_never_when_something_does_not_end) {
    Example example;
    example.fleet.devices[1].compute.base = 0;
    EXPECT_EQ(example.step(), kNever);
    example.fleet = testing::example_fleet();
    example.fleet.network.set(kB, kA, {{.base = 0}, {.base = 5}});
    EXPECT_EQ(example.step(), kNever);
    example.fleet = testing::example_fleet();
    example.fleet.devices[0].ingress.base = 0;
    EXPECT_EQ(example.step(), kNever);
    example.fleet.devices[0].ingress = {};
    example.fleet.devices[0].egress.base = 0;
    EXPECT_EQ(example.step(), kNever);
    const Timeline::Overload overload = [](const Timeline::FirstOperation&) { return Bytes{1}; };
    example.fleet = testing::example_fleet();
    example.fleet.devices[0].storage_bandwidth.base = 0;
    EXPECT_EQ(example.step(&overload), kNever);
}

/// Gives every device these overheads, in order.
void set_overheads(
    Fleet& fleet, Nanoseconds DeviceSpec::*overhead, const std::vector<Nanoseconds>& values
) {
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        fleet.devices[d].*overhead = values[d];
    }
}

/// embed (A) 1 µs, then the times of the worked example: head 1 (B) 3 µs, proj (A) 1 µs, ffn (B)
/// 3 µs and lm_head (A) 1 µs later.
TEST(Costs, operation_overhead_precedes_each_stage) {
    Example example;
    set_overheads(example.fleet, &DeviceSpec::operation_overhead, {1'000, 3'000});
    EXPECT_EQ(example.step(), 4'957'352);
    const Blocks& b = example.blocks;
    EXPECT_EQ(
        example.log.ops,
        (std::vector<OpRecord>{
            {kA, b.embed(), 0, 1'000},
            {kA, example.head(0), 1'000, 15'568},
            {kA, b.proj(0), 2'394'784, 2'403'976},
            {kA, b.lm_head(), 4'943'552, 4'957'352},
            {kB, example.head(1), 1'257'000, 1'266'784},
            {kB, b.ffn(0), 3'659'976, 3'687'552},
        })
    );
}

/// embed, both heads, proj, ffn and lm_head are five stages. With a hub there are six, because it
/// computes twice, and with a ring four, because its hub takes no time.
TEST(Costs, operation_overhead_is_counted_once_for_all_blocks_of_a_stage) {
    Example example;
    set_overheads(example.fleet, &DeviceSpec::operation_overhead, {1'000, 1'000});
    example.placement.assign(example.blocks.size(), kA);
    EXPECT_EQ(example.step(), 97'280 + 5'000);
    for (const auto& [reduce, stages] : {std::pair(Reduce::hub, 6), std::pair(Reduce::ring, 4)}) {
        SlicedExample sliced(reduce);
        sliced.fleet = example.fleet;
        sliced.placement.assign(sliced.blocks.size(), kA);
        EXPECT_EQ(sliced.step(), 97'280 + stages * 1'000);
    }
}

/// lm_head is not computed for a chunk that samples nothing.
TEST(Costs, operation_overhead_is_not_counted_for_what_is_left_out) {
    Example example;
    set_overheads(example.fleet, &DeviceSpec::operation_overhead, {1'000, 1'000});
    example.placement.assign(example.blocks.size(), kA);
    const Nanoseconds whole = example.step(nullptr, {0, 3});
    EXPECT_EQ(example.step(nullptr, {0, 3, false}), whole - 12'800 - 1'000);
}

/// A takes 10 µs for each message and B 20 µs: each of the four messages comes 30 µs later.
TEST(Costs, message_overhead_delays_both_ends) {
    Example example;
    set_overheads(example.fleet, &DeviceSpec::message_overhead, {10'000, 20'000});
    EXPECT_EQ(example.step(), 4'948'352 + 4 * 30'000);
    const Blocks& b = example.blocks;
    EXPECT_EQ(
        example.log.ops,
        (std::vector<OpRecord>{
            {kA, b.embed(), 0, 0},
            {kA, example.head(0), 10'000, 23'568},
            {kA, b.proj(0), 2'450'784, 2'458'976},
            {kA, b.lm_head(), 5'055'552, 5'068'352},
            {kB, example.head(1), 1'286'000, 1'292'784},
            {kB, b.ffn(0), 3'744'976, 3'769'552},
        })
    );
    EXPECT_EQ(
        example.log.messages,
        (std::vector<MessageRecord>{
            {kB, kA, Payload::head_outputs, 0, 128, 1'312'784, 2'440'784},
            {kB, kA, Payload::last_x, 0, 256, 3'789'552, 5'045'552},
            {kA, kB, Payload::normed_x, 0, 256, 10'000, 1'266'000},
            {kA, kB, Payload::residual, 0, 256, 2'468'976, 3'724'976},
        })
    );
}

/// A sends three messages: to B at 300 µs, when its link is free only for the first, x at 600 µs,
/// and to C at 900 µs.
TEST(Costs, message_overheads_of_one_device_add_up) {
    Example example;
    example.fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 1'000'000);
    set_overheads(example.fleet, &DeviceSpec::message_overhead, {300'000, 0, 0});
    example.placement = {kA, kB, kC, kB, kB, kA};
    example.step();
    EXPECT_EQ(example.log.messages[1].begin, 300'000);
    EXPECT_EQ(example.log.messages[2].begin, 600'000);
    EXPECT_EQ(example.log.messages.back().begin, 900'000);
    set_overheads(example.fleet, &DeviceSpec::message_overhead, {100'000, 0, 0});
    example.step();
    EXPECT_EQ(example.log.messages[1].begin, 100'000);
    EXPECT_EQ(example.log.messages[2].begin, 356'000) << "the link is free later than the device";
    EXPECT_EQ(example.log.messages.back().begin, 300'000);
}

/// All blocks on A, whose F32 weights have 0.5 GFLOP/s, 2 GFLOP/s for many tokens.
struct TypedExample : Example {
    explicit TypedExample(PerSecond prefill = 2'000'000'000) {
        placement.assign(blocks.size(), kA);
        fleet.devices[0].rates = {
            {WeightType::f32,
             testing::constant_profile(500'000'000),
             testing::constant_profile(kUnlimited),
             testing::constant_profile(prefill)}};
    }
};

/// A head: 1 280 FLOP of attention at 1 GFLOP/s, then 12 288 with weights at half of that. proj has
/// 8 192, ffn 49 152 and lm_head 12 800 FLOP, all with weights.
TEST(Costs, rates_of_a_type_apply_to_its_weights_only) {
    TypedExample example;
    EXPECT_EQ(example.step(), 2 * (1'280 + 24'576) + 16'384 + 98'304 + 25'600);
    example.fleet.devices[0].rates[0].type = WeightType::q8_0;
    EXPECT_EQ(example.step(), 97'280) << "there are no such weights";
}

/// F32 weights have two bytes per FLOP. At 1 B/ns they take as long as the computing at 0.5 GFLOP/s
/// (see above), and at 0.5 B/ns twice as long. The caches are read at the device's own rate: 2 560
/// B at 1 B/ns take longer than 1 280 FLOP.
TEST(Costs, each_piece_takes_the_slower_of_its_computing_and_its_reading) {
    TypedExample example;
    example.fleet.devices[0].memory_bandwidth = testing::constant_profile(1'000'000'000);
    example.fleet.devices[0].rates[0].memory_bandwidth = testing::constant_profile(500'000'000);
    EXPECT_EQ(example.step(), 2 * (2'560 + 2 * 24'576) + 2 * (16'384 + 98'304 + 25'600));
}

/// Rounding up: 1 280 FLOP at 3 GFLOP/s take 427 ns and 12 288 at 7 GFLOP/s 1 756 ns.
TEST(Costs, each_piece_is_rounded_up_by_itself) {
    TypedExample example;
    example.fleet.devices[0].compute = testing::constant_profile(3'000'000'000);
    example.fleet.devices[0].rates[0].compute = testing::constant_profile(7'000'000'000);
    example.step();
    EXPECT_EQ(example.log.ops[1].end, 427 + 1'756);
}

/// Three tokens, contexts 1 to 3: 768 FLOP of attention and 36 864 with weights in a head, which
/// take 18 432 ns at 2 GFLOP/s, but one token takes 24 576 ns. Six tokens, contexts 1 to 6: 2 688
/// and 73 728 FLOP, 36 864 ns.
TEST(Costs, many_tokens_take_the_rate_for_prefill_but_never_less_time_than_one) {
    TypedExample example;
    EXPECT_EQ(example.step(nullptr, {0, 3}), 2 * (768 + 24'576) + 16'384 + 98'304 + 25'600);
    EXPECT_EQ(example.step(nullptr, {0, 6}), 2 * (2'688 + 36'864) + 24'576 + 147'456 + 25'600);
    TypedExample slow(100'000'000); // slower than one token after the other
    EXPECT_EQ(slow.step(nullptr, {0, 6}), 2 * (2'688 + 147'456) + 98'304 + 589'824 + 25'600);
}

/// Returns a stream with which the message fails this often and all others of a step do not.
std::uint64_t stream_with_failures(LinkVariation variation, std::int32_t failures) {
    const auto drawn = [&](Payload payload) {
        const MessageKey key{0, static_cast<std::int32_t>(payload), 0, 0};
        return draw_delivery(variation, kA, kB, key).failures;
    };
    while (drawn(Payload::normed_x) != failures || drawn(Payload::residual) != 0) {
        ++variation.stream;
    }
    return variation.stream;
}

/// normed_x from A to B fails twice: 0 … 256 000, 306 000 … 562 000, and 612 000 … 868 000. The
/// latency doubles at 600 µs, so it arrives at 2 868 000, 1 612 000 later than in the worked
/// example, and the residual 1 000 000 later still.
TEST(Costs, lost_messages_are_sent_again_after_the_time_out) {
    Example example;
    LinkSpec link = example.fleet.network.link(kA, kB);
    link.variation.loss = kWhole * 3 / 10;
    link.variation.retransmit_timeout = 50'000;
    link.variation.stream = stream_with_failures(link.variation, 2);
    link.latency.changes = {{.at = 600'000, .factor = 2 * kWhole}};
    example.fleet.network.set(kA, kB, link);
    EXPECT_EQ(example.step(), 4'948'352 + 1'612'000 + 1'000'000);
    EXPECT_EQ(
        example.log.messages[2], (MessageRecord{kA, kB, Payload::normed_x, 0, 256, 0, 2'868'000})
    );
    link.bandwidth.base = 0;
    example.fleet.network.set(kA, kB, link);
    EXPECT_EQ(example.step(), kNever);
}

/// The link is taken until 868 000; x follows in the queue: it arrives at 1 868 000 + 256 000.
TEST(Costs, lost_messages_keep_their_link_until_they_get_through) {
    Example example;
    example.placement = {kA, kB, kB, kB, kB, kA};
    LinkSpec link = example.fleet.network.link(kA, kB);
    link.variation.loss = kWhole * 3 / 10;
    link.variation.retransmit_timeout = 50'000;
    const MessageKey x{0, static_cast<std::int32_t>(Payload::x), 0, 0};
    do {
        ++link.variation.stream;
        link.variation.stream = stream_with_failures(link.variation, 2);
    } while (draw_delivery(link.variation, kA, kB, x).failures > 0);
    example.fleet.network.set(kA, kB, link);
    example.step();
    EXPECT_EQ(
        example.log.messages.back(), (MessageRecord{kA, kB, Payload::x, 0, 256, 868'000, 2'124'000})
    );
}

/// Each message is later by a draw between 100 and 200 µs, and by the jitter over time: 7 µs, from
/// 1 ms on 14 µs.
TEST(Costs, jitter_is_added_to_the_latency) {
    Example example;
    LinkSpec link = example.fleet.network.link(kA, kB);
    link.variation.jitter_low = 100'000;
    link.variation.jitter_high = 200'000;
    link.variation.stream = 9;
    link.jitter = {.base = 7'000, .changes = {{.at = 1'000'000, .factor = 2 * kWhole}}};
    example.fleet.network.set(kA, kB, link);
    const auto drawn = [&](Payload payload) {
        const MessageKey key{0, static_cast<std::int32_t>(payload), 0, 0};
        return draw_delivery(link.variation, kA, kB, key).delay;
    };
    const Nanoseconds later = drawn(Payload::normed_x) + drawn(Payload::residual);
    EXPECT_EQ(example.step(), 4'948'352 + later + 7'000 + 14'000);
    EXPECT_EQ(example.log.messages[2].arrival, 1'256'000 + drawn(Payload::normed_x) + 7'000);
    EXPECT_NE(drawn(Payload::normed_x), drawn(Payload::residual));
}

/// A and B share 1 MB/s, which a message passes twice: it takes twice as long, 512 000 ns instead
/// of 256 000, and the outputs (128 B) 256 000 instead of 128 000.
TEST(Costs, a_message_within_a_medium_passes_it_twice) {
    Example example;
    example.fleet.media = {testing::constant_profile(1'000'000)};
    example.fleet.devices[0].medium = 0;
    example.fleet.devices[1].medium = 0;
    EXPECT_EQ(example.step(), 4'948'352 + 3 * 256'000 + 128'000);
    example.fleet.media[0].base = 2'000'000; // as fast as the link
    EXPECT_EQ(example.step(), 4'948'352);
    example.fleet.media[0].base = 1'000'000; // only one end is a member
    example.fleet.devices[1].medium = kNoMedium;
    EXPECT_EQ(example.step(), 4'948'352);
}

/// A sends the normed x to B and to C: four ends, so 256 B take 1 024 000 ns at 1 MB/s. x to B is a
/// phase of its own with two ends.
TEST(Costs, messages_of_a_phase_share_a_medium) {
    Example example;
    example.fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 1'000'000);
    example.fleet.media = {testing::constant_profile(1'000'000)};
    for (DeviceSpec& spec : example.fleet.devices) {
        spec.medium = 0;
    }
    example.placement = {kA, kB, kC, kB, kB, kA};
    example.step();
    EXPECT_EQ(example.log.messages[1].arrival, 1'024'000 + 1'000'000);
    EXPECT_EQ(example.log.messages.back().arrival, 1'024'000 + 1'000'000);
    EXPECT_EQ(
        example.log.messages[2],
        (MessageRecord{kA, kB, Payload::x, 0, 256, 1'024'000, 1'024'000 + 512'000 + 1'000'000})
    );
}

TEST(Turn, finds_a_deadlock_to_be_a_bug) {
    const Blocks blocks(testing::example_shape());
    const Fleet fleet = testing::example_fleet();
    std::vector<Program> programs = lower(blocks, testing::example_placement(), kA, 2);
    programs[0].erase(programs[0].begin() + 1); // A no longer sends normed x
    Timeline timeline(blocks, 2);
    EXPECT_THROW((void)timeline.turn(programs, FleetRates(fleet, 0), kStep, kA), Bug);
}

TEST(Turn, continues_where_the_last_one_ended) {
    const Blocks blocks(testing::example_shape());
    const Fleet fleet = testing::example_fleet();
    const std::vector<Program> programs = lower(blocks, testing::example_placement(), kA, 2);
    Timeline timeline(blocks, 2);
    TimelineLog log;
    for (int turn = 1; turn <= 3; ++turn) {
        EXPECT_EQ(
            timeline.turn(programs, FleetRates(fleet, turn), kStep, kA, nullptr, &log),
            turn * 4'948'352
        );
        EXPECT_EQ(log.ops.size(), static_cast<std::size_t>(6 * turn)) << "records are appended";
    }
}

TEST(Moves, have_the_bytes_under_the_new_placement) {
    ModelShape shape = testing::example_shape();
    shape.tied = true;
    const Blocks blocks(shape);
    constexpr Bytes kTable = 100 * 64 * 4;
    constexpr Bytes kNorm = 256;
    const Placement before{kA, kA, kB, kA, kB, kB};
    const Placement after_move{kB, kB, kB, kB, kB, kB};
    EXPECT_EQ(
        moves_between(blocks, before, after_move, {10, 10}),
        (std::vector<Move>{
            {blocks.embed(), kA, kB, kTable + kNorm}, // always its matrix; lm_head stays: no
                                                      // message
            {blocks.group(0, 0), kA, kB, 24'576 + 2'560},
            {blocks.proj(0), kA, kB, 16'384},
        })
    );
    Placement beside = before;
    beside.back() = kA; // lands beside embed
    EXPECT_EQ(
        moves_between(blocks, before, beside, {10, 10}),
        (std::vector<Move>{{blocks.lm_head(), kB, kA, kNorm}})
    );
    EXPECT_EQ(
        moves_between(blocks, beside, before, {10, 10}),
        (std::vector<Move>{{blocks.lm_head(), kA, kB, kTable + kNorm}})
    );
    EXPECT_EQ(moves_between(blocks, beside, Placement(6, kB), {0, 0}).back().bytes, kNorm)
        << "both go together";
    EXPECT_EQ(
        moves_between(blocks, before, beside, {10, 10}, true),
        (std::vector<Move>{{blocks.lm_head(), kB, kA, 0, kNorm}})
    );
    EXPECT_EQ(
        moves_between(blocks, before, after_move, {10, 10}, true),
        (std::vector<Move>{
            {blocks.embed(), kA, kB, 0, kTable + kNorm},
            {blocks.group(0, 0), kA, kB, 2'560, 24'576},
            {blocks.proj(0), kA, kB, 0, 16'384},
        })
    );
    EXPECT_TRUE(moves_between(blocks, before, before, {10, 10}).empty());
}

class Migration : public ::testing::Test {
  protected:
    Blocks blocks{testing::example_shape()};
    Fleet fleet = testing::equal_fleet(3, 1'000'000'000, 1'000'000, 1'000'000);
    std::vector<MoveRecord> log;

    Nanoseconds migrate(
        const std::vector<Move>& moves, Nanoseconds t_switch, std::int64_t epoch = 0
    ) {
        Timeline timeline(blocks, fleet.size());
        const Nanoseconds resume = timeline.migrate(
            moves, FleetRates(fleet, 0), t_switch, &log, {epoch, medium_of(fleet)}
        );
        for (const DeviceId d : {kA, kB, kC}) {
            EXPECT_EQ(timeline.clock(d), moves.empty() ? 0 : resume);
        }
        return resume;
    }
};

TEST_F(Migration, runs_distinct_links_in_parallel_and_one_link_in_block_order) {
    const std::vector<Move> moves{
        {BlockId(1), kA, kB, 1000}, {BlockId(2), kA, kC, 3000}, {BlockId(3), kA, kB, 500}};
    EXPECT_EQ(migrate(moves, 70), 70 + 4'000'000);
    EXPECT_EQ(log[0], (MoveRecord{moves[0], 70, 2'000'070}));
    EXPECT_EQ(log[1], (MoveRecord{moves[1], 70, 4'000'070}));
    EXPECT_EQ(log[2], (MoveRecord{moves[2], 1'000'070, 2'500'070}));
}

TEST_F(Migration, obeys_egress_and_ingress_caps) {
    fleet.devices[0].egress.base = 2'000'000;
    const std::vector<Move> out{{BlockId(1), kA, kB, 1000}, {BlockId(2), kA, kC, 1000}};
    EXPECT_EQ(migrate(out, 0), 500'000 + 2'000'000); // the second leaves when the egress is free
    fleet.devices[2].ingress.base = 500'000;
    const std::vector<Move> in{{BlockId(1), kA, kC, 1000}, {BlockId(2), kB, kC, 1000}};
    EXPECT_EQ(migrate(in, 0), 1'000'000 + 2 * 2'000'000); // one after the other into C
}

/// A sends at 10, 20 and 30 µs; the second message to B waits for its link. B takes 5 µs and C 7 µs
/// for each message. What C sends leaves before it receives.
TEST_F(Migration, has_message_overheads_on_both_ends) {
    set_overheads(fleet, &DeviceSpec::message_overhead, {10'000, 5'000, 7'000});
    const std::vector<Move> moves{
        {BlockId(1), kA, kB, 1000},
        {BlockId(2), kA, kC, 3000},
        {BlockId(3), kA, kB, 500},
        {BlockId(4), kC, kB, 100}};
    EXPECT_EQ(migrate(moves, 70), 70 + 4'027'000);
    EXPECT_EQ(log[0], (MoveRecord{moves[0], 10'070, 70 + 2'010'000 + 5'000}));
    EXPECT_EQ(log[1], (MoveRecord{moves[1], 20'070, 70 + 4'020'000 + 7'000}));
    EXPECT_EQ(log[2], (MoveRecord{moves[2], 70 + 1'010'000, 70 + 2'510'000 + 5'000}));
    EXPECT_EQ(log[3], (MoveRecord{moves[3], 7'070, 70 + 2'515'000 + 5'000})) << "in block order";
}

/// A's link to B and its link to C are one phase: four ends at 1 MB/s.
TEST_F(Migration, is_one_phase_of_its_media) {
    fleet.media = {testing::constant_profile(1'000'000)};
    for (DeviceSpec& spec : fleet.devices) {
        spec.medium = 0;
    }
    const std::vector<Move> moves{
        {BlockId(1), kA, kB, 1000}, {BlockId(2), kA, kC, 3000}, {BlockId(3), kA, kB, 500}};
    EXPECT_EQ(migrate(moves, 0), 12'000'000 + 1'000'000);
    EXPECT_EQ(log[0].end, 4'000'000 + 1'000'000);
    EXPECT_EQ(log[2], (MoveRecord{moves[2], 4'000'000, 4'000'000 + 2'000'000 + 1'000'000}));
    EXPECT_EQ(migrate({moves[0], moves[2]}, 0), 2'000'000 + 1'000'000 + 1'000'000) << "two ends";
    const std::vector<Move> beside{moves[0], {BlockId(2), kB, kC, 0, 50}};
    EXPECT_EQ(migrate(beside, 0), 2'000'000 + 1'000'000) << "a load is no message";
}

/// Which transmissions fail depends on the block and on the epoch.
TEST_F(Migration, repeats_lost_messages) {
    LinkSpec link = fleet.network.link(kA, kB);
    link.variation.loss = kWhole / 2;
    link.variation.retransmit_timeout = 300'000;
    link.variation.stream = 4;
    fleet.network.set(kA, kB, link);
    const std::vector<Move> moves{{BlockId(2), kA, kB, 1000}};
    int lost = 0;
    for (std::int64_t epoch = 1; epoch <= 20; ++epoch) {
        const MessageKey key{epoch, -1, 2, 0};
        const Nanoseconds failures = draw_delivery(link.variation, kA, kB, key).failures;
        EXPECT_EQ(migrate(moves, 0, epoch), failures * (1'000'000 + 300'000) + 2'000'000);
        lost += failures > 0 ? 1 : 0;
    }
    EXPECT_GT(lost, 3);
    EXPECT_LT(lost, 17);
}

TEST_F(Migration, of_nothing_changes_no_clock_and_of_no_bytes_takes_no_time) {
    EXPECT_EQ(migrate({}, 500), 500);
    EXPECT_EQ(migrate({{BlockId(5), kA, kB, 0}}, 500), 500);
    EXPECT_EQ(log, (std::vector<MoveRecord>{{{BlockId(5), kA, kB, 0}, 500, 500}}));
}

TEST_F(Migration, loads_start_when_the_target_does_and_wait_for_no_message) {
    for (DeviceSpec& spec : fleet.devices) {
        spec.storage_bandwidth.base = 1'000'000;
    }
    // A block that is loaded longer than its cache travels, and one the other way round; the cache
    // alone; the load alone, behind the others of its device.
    const std::vector<Move> moves{
        {BlockId(1), kA, kB, 1000, 5000},
        {BlockId(2), kA, kC, 3000, 500},
        {BlockId(3), kA, kC, 1000, 0},
        {BlockId(4), kC, kB, 0, 700}};
    EXPECT_EQ(migrate(moves, 70), 70 + 5'700'000);
    EXPECT_EQ(log[0], (MoveRecord{moves[0], 70, 5'000'070}));
    EXPECT_EQ(log[1], (MoveRecord{moves[1], 70, 4'000'070}));
    EXPECT_EQ(log[2], (MoveRecord{moves[2], 3'000'070, 5'000'070}));
    EXPECT_EQ(log[3], (MoveRecord{moves[3], 5'000'070, 5'700'070}));
}

TEST_F(Migration, is_never_from_a_dead_storage) {
    fleet.devices[1].storage_bandwidth.base = 0;
    EXPECT_EQ(migrate({{BlockId(1), kA, kB, 0, 1}, {BlockId(2), kA, kB, 0, 1}}, 0), kNever);
}

TEST_F(Migration, is_never_over_a_dead_link) {
    fleet.network.set(kA, kB, {{.base = 0}, {.base = 0}});
    EXPECT_EQ(migrate({{BlockId(1), kA, kB, 1}, {BlockId(2), kA, kC, 1}}, 0), kNever);
}

} // namespace
} // namespace headroom::scheduler
