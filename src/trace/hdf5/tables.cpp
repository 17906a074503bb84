#include "trace/hdf5/tables.hpp"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "base/check.hpp"
#include "trace/hdf5/library/attribute.hpp"

namespace headroom::trace::h5 {

namespace {

/// Writes the attributes that every dataset has: its description and the units of its columns.
void describe(
    const Dataset& dataset, const char* description, const std::vector<std::string>& units
) {
    write_attribute(dataset.get(), "description", std::string(description));
    write_attribute(dataset.get(), "units", units);
}

void describe_table(
    const Dataset& dataset,
    const Layout& layout,
    const std::string& table,
    const char* description,
    const CodeNames& codes
) {
    std::vector<std::string> units;
    for (const Field& field : layout.fields) {
        units.push_back(field.unit);
        const auto names = codes.find(table + "." + field.name);
        if (names != codes.end()) {
            write_attribute(dataset.get(), field.name + "_codes", names->second);
        }
    }
    describe(dataset, description, units);
}

template <class Row>
void write_fixed_table(
    const File& file,
    const std::vector<Row>& rows,
    const TextWidths& widths,
    PendingText* pool,
    const CodeNames& codes
) {
    Layout layout;
    add_columns<Row>(layout, widths);
    const Type type = compound_type(layout);
    Dataset dataset = create_dataset(file, type, {Table<Row>::name, {rows.size()}});
    describe_table(dataset, layout, Table<Row>::name, Table<Row>::description, codes);
    if (!rows.empty()) {
        ByteBuffer bytes;
        for (const Row& row : rows) {
            encode(row, widths, bytes, pool);
        }
        write_rows(dataset, type, 0, rows.size(), bytes.data());
    }
    dataset.close();
}

void write_bytes(
    const File& file, const char* name, const char* description, const void* data, std::size_t size
) {
    const Type type = number_type(FieldType::u8);
    Dataset dataset = create_dataset(file, type, {name, {size}});
    describe(dataset, description, {"B"});
    if (size > 0) {
        write_rows(dataset, type, 0, size, data);
    }
    dataset.close();
}

void write_root_attributes(
    const File& file, const RunHeader& header, const std::string& wall_started
) {
    std::set<std::string> used{
        kSchemaVersionAttribute, kHdf5VersionAttribute, kWallStartedAttribute};
    write_attribute(file.get(), kSchemaVersionAttribute, std::int64_t{kSchemaVersion});
    write_attribute(file.get(), kHdf5VersionAttribute, library_version());
    write_attribute(file.get(), kWallStartedAttribute, wall_started);
    for (const auto& [name, text] : header.attributes) {
        HEADROOM_CHECK(used.insert(name).second, "attribute {} twice, or the file's own", name);
        write_attribute(file.get(), name, text);
    }
    for (const auto& [name, number] : header.numbers) {
        HEADROOM_CHECK(used.insert(name).second, "attribute {} twice, or the file's own", name);
        write_attribute(file.get(), name, number);
    }
}

void write_input_files(const File& file, const RunHeader& header) {
    std::vector<InputFileRow> rows;
    for (const auto& [path, contents] : header.input_files) {
        rows.push_back({path, contents});
    }
    PendingText pool;
    write_fixed_table(file, rows, {}, &pool, {});
    write_bytes(
        file,
        kInputPool,
        "paths and contents of the input files, one after another",
        pool.bytes.data(),
        pool.bytes.size()
    );
}

template <class Row>
AppendTable make_table(const File& file, const RunHeader& header, std::size_t usual_rows) {
    Layout layout;
    add_columns<Row>(layout, {});
    if constexpr (std::is_same_v<Row, IntervalRow>) {
        add_columns<RowCounts>(layout, {});
    }
    const std::string name = Table<Row>::name;
    AppendTable table(file, compound_type(layout), {name, 0, usual_rows * layout.row_bytes});
    describe_table(table.dataset(), layout, name, Table<Row>::description, header.codes);
    return table;
}

/// Checks that the names of codes belong to tables of this file, because other names would be lost.
void check_codes(const RunHeader& header) {
    std::set<std::string> known{"intervals.policy"};
    for (const auto& [name, codes] : standard_codes()) {
        known.insert(name);
    }
    if (header.with_ops) {
        known.insert("messages.kind");
    }
    for (const auto& [name, codes] : header.codes) {
        HEADROOM_CHECK(known.contains(name), "codes for {}, which this file has not", name);
        HEADROOM_CHECK(!codes.empty(), "no codes for {}", name);
    }
}

} // namespace

void write_header(const File& file, const RunHeader& header, const std::string& wall_started) {
    check_codes(header);
    write_root_attributes(file, header, wall_started);
    write_bytes(
        file,
        kScenario,
        "the scenario as it was resolved, UTF-8",
        header.scenario.data(),
        header.scenario.size()
    );
    write_input_files(file, header);
    for_each_table(kHeaderTables, [&](auto rows) {
        write_fixed_table(file, header.*rows, widths_for(header.*rows), nullptr, header.codes);
    });
}

GrowingTables::GrowingTables(const File& file, const RunHeader& header)
    : blocks_(header.blocks.size()), with_ops_(header.with_ops) {
    intervals_ = make_table<IntervalRow>(file, header, 0);
    for_each_table(kIntervalTables, [&]<class Row>(std::vector<Row> Interval::*) {
        if (!kNeedsOps<Row> || header.with_ops) {
            // A turn has about one operation per block, and an interval has several turns.
            tables_.push_back(make_table<Row>(
                file,
                header,
                kNeedsOps<Row>                      ? 8 * blocks_
                : std::is_same_v<Row, ResourceRow>  ? header.devices.size()
                : std::is_same_v<Row, LinkStateRow> ? header.links.size()
                                                    : 0
            ));
        }
    });
    // HDF5 needs at least one column. Without blocks it holds -1.
    const std::size_t width = std::max<std::size_t>(1, blocks_);
    placements_ = AppendTable(
        file, number_type(FieldType::i32), {kPlacements, width, width * sizeof(std::int32_t)}
    );
    describe(placements_.dataset(), "device of each block (column) in each interval (row)", {"id"});
    text_pool_ = AppendTable(file, number_type(FieldType::u8), {kTextPool});
    describe(text_pool_.dataset(), "bytes of all texts that tables point into", {"B"});
}

template <class Row>
void GrowingTables::append(AppendTable& table, const std::vector<Row>& rows) {
    buffer_.clear();
    for (const Row& row : rows) {
        encode(row, {}, buffer_, &pending_text_);
    }
    table.append(buffer_);
}

void GrowingTables::append_placement(const std::vector<std::int32_t>& placement) {
    const std::int32_t none = -1;
    buffer_.clear();
    put_bytes(buffer_, placement.data(), placement.size() * sizeof(std::int32_t));
    if (placement.empty()) {
        put_bytes(buffer_, &none, sizeof(none));
    }
    placements_.append(buffer_);
}

void GrowingTables::check(const Interval& interval) const {
    HEADROOM_CHECK(interval.placement.size() == blocks_, "{}", interval.placement.size());
    HEADROOM_CHECK(
        with_ops_ || (interval.ops.empty() && interval.messages.empty()),
        "operations in a trace that was begun without them"
    );
}

void GrowingTables::commit(const Interval& interval) {
    pending_text_.bytes.clear();
    pending_text_.base = text_pool_.rows();
    append_placement(interval.placement);
    auto next = tables_.begin();
    for_each_table(kIntervalTables, [&](auto rows) {
        if (next != tables_.end()) {
            append(*next++, interval.*rows);
        }
    });
    text_pool_.append(pending_text_.bytes);
    for (AppendTable* table : all_but_intervals()) {
        table->flush();
    }
    buffer_.clear();
    encode(interval.row, {}, buffer_, nullptr);
    encode(counts(), {}, buffer_, nullptr);
    intervals_.append(buffer_);
    intervals_.flush();
}

RowCounts GrowingTables::counts() const {
    RowCounts counts{.placements = placements_.rows(), .text_pool = text_pool_.rows()};
    auto next = tables_.begin();
    for_each_table(kIntervalTables, [&]<class Row>(std::vector<Row> Interval::*) {
        if (next != tables_.end()) {
            counts.*count_of<Row>() = (next++)->rows();
        }
    });
    return counts;
}

std::vector<AppendTable*> GrowingTables::all_but_intervals() {
    std::vector<AppendTable*> all{&placements_};
    for (AppendTable& table : tables_) {
        all.push_back(&table);
    }
    all.push_back(&text_pool_);
    return all;
}

void GrowingTables::close() {
    for (AppendTable* table : all_but_intervals()) {
        table->close();
    }
    intervals_.close();
}

} // namespace headroom::trace::h5
