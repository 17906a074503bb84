#include "runtime/migration.hpp"

#include <optional>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "runtime/wire.hpp"
#include "scheduler/migration_order.hpp"

namespace headroom::runtime {

namespace {

using scheduler::Move;
using scheduler::Placement;

/// The migration as this device takes part in it. Every device derives the same plan from the same
/// two placements; only what it holds differs.
class Migration {
  public:
    Migration(
        Resident& resident,
        const Placement& to,
        std::int64_t rows,
        std::int64_t epoch,
        comm::Transport& transport
    )
        : resident_(resident), blocks_(resident.blocks()), from_(resident.placement()), to_(to),
          rows_(rows), epoch_(epoch), transport_(transport),
          moves_(scheduler::moves_between(blocks_, from_, to, rows)), departures_(moves_.size()),
          sums_(moves_.size(), 0), sent_pieces_(moves_.size(), 0) {}

    std::vector<Arrived> run(
        Nanoseconds t_switch, device::DeviceClock& clock, std::span<Bytes> sent_bytes
    );

  private:
    void prepare_heads();
    void depart(device::DeviceClock& clock, std::span<Bytes> sent_bytes);
    void copy_pieces();
    void send_piece(std::size_t move, std::size_t piece);
    void receive_piece(std::size_t move, std::size_t piece);
    void finish_sources();
    std::vector<Arrived> arrive(device::DeviceClock& clock);

    [[nodiscard]] model::Block shell(const Move& move) const;
    [[nodiscard]] scheduler::PieceMove piece_move(std::size_t index) const;
    [[nodiscard]] bool matrix_is_shared() const;
    [[nodiscard]] std::optional<std::size_t> partner(std::size_t move) const;
    [[nodiscard]] bool stays_in_use(const Move& move) const;
    [[nodiscard]] std::vector<Bytes> held_before() const;
    struct Place {
        model::Block* block;
        std::size_t index;
    };
    [[nodiscard]] Place source_of(std::size_t move, std::size_t piece);
    [[nodiscard]] std::vector<std::span<std::byte>> payload(std::size_t move, std::size_t piece);
    [[nodiscard]] DeviceId self() const { return resident_.self(); }
    [[nodiscard]] bool tied() const { return blocks_.shape().ends && blocks_.shape().tied; }
    [[nodiscard]] bool here(const Placement& placement, BlockId b) const {
        return placement[b.index()] == self();
    }
    [[nodiscard]] std::size_t pages() const {
        return static_cast<std::size_t>(
            (rows_ + scheduler::kPageTokens - 1) / scheduler::kPageTokens
        );
    }

    Resident& resident_;
    const scheduler::Blocks& blocks_;
    const Placement from_;
    const Placement& to_;
    std::int64_t rows_;
    std::int64_t epoch_;
    comm::Transport& transport_;
    std::vector<Move> moves_;
    std::vector<device::Departure> departures_;
    std::vector<std::uint64_t> sums_;        ///< at the target, of what was received
    std::vector<std::size_t> sent_pieces_;   ///< at the source
    std::vector<std::size_t> weight_pieces_; ///< of a move; its cache pages follow
};

std::vector<Arrived> Migration::run(
    Nanoseconds t_switch, device::DeviceClock& clock, std::span<Bytes> sent_bytes
) {
    const comm::Waiting waiting{"sends before a migration", -1, epoch_, -1};
    if (resident_.has_workspace()) {
        resident_.workspace().settle(transport_, waiting);
        resident_.workspace().release_staging();
    }
    clock.raise(t_switch);
    depart(clock, sent_bytes);
    prepare_heads();
    copy_pieces();
    finish_sources();
    std::vector<Arrived> arrived = arrive(clock);
    resident_.install(to_);
    return arrived;
}

/// A tied head's own copy of the matrix that the new placement does not need is dropped before
/// anything moves.
void Migration::prepare_heads() {
    if (!tied() || !here(from_, blocks_.lm_head()) || !head_has_matrix(blocks_, from_)) {
        return;
    }
    if (!head_has_matrix(blocks_, to_)) {
        resident_.block(blocks_.lm_head()).release_matrix();
    }
}

/// Times of this device's own messages, in block order.
void Migration::depart(device::DeviceClock& clock, std::span<Bytes> sent_bytes) {
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        const Move& move = moves_[i];
        if (move.from == self() && move.bytes > 0) {
            departures_[i] = clock.send(move.to, move.bytes);
            sent_bytes[move.to.index()] += move.bytes;
            if (departures_[i].arrival == kNever) {
                throw StuckError(fmt::format(
                    "{} never arrives at device {}: the link from device {} stays at rate 0",
                    to_string(blocks_.name(move.block)),
                    move.to.value,
                    self().value
                ));
            }
        }
    }
}

model::Block Migration::shell(const Move& move) const {
    return resident_.make_block(move.block, to_);
}

/// Do embed and a tied lm_head stand on one device before, sharing the matrix?
bool Migration::matrix_is_shared() const {
    return tied() && from_[blocks_.embed().index()] == from_[blocks_.lm_head().index()];
}

/// Does the source keep the storage that the pieces are read from? A tied matrix that embed leaves
/// behind serves lm_head from now on, and one that lm_head borrows stays embed's.
bool Migration::stays_in_use(const Move& move) const {
    const BlockKind kind = blocks_.name(move.block).kind;
    if (!matrix_is_shared() || (kind != BlockKind::embed && kind != BlockKind::lm_head)) {
        return false;
    }
    const BlockId other = kind == BlockKind::embed ? blocks_.lm_head() : blocks_.embed();
    return to_[other.index()] == move.from;
}

/// The move that reads the same storage: embed and lm_head leave one device for two others, and
/// both take the matrix along.
std::optional<std::size_t> Migration::partner(std::size_t move) const {
    const BlockKind kind = blocks_.name(moves_[move].block).kind;
    if (!matrix_is_shared() || !head_has_matrix(blocks_, to_) ||
        (kind != BlockKind::embed && kind != BlockKind::lm_head)) {
        return std::nullopt;
    }
    const BlockId other = kind == BlockKind::embed ? blocks_.lm_head() : blocks_.embed();
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        if (moves_[i].block == other) {
            return i;
        }
    }
    return std::nullopt;
}

scheduler::PieceMove Migration::piece_move(std::size_t index) const {
    const Move& move = moves_[index];
    scheduler::PieceMove pieces;
    pieces.from = move.from;
    pieces.to = move.to;
    pieces.freed_at_source = !stays_in_use(move);
    const model::Block block = shell(move);
    for (std::size_t i = 0; i < block.pieces(); ++i) {
        pieces.pieces.push_back(block.piece_bytes(i));
    }
    if (const auto other = partner(index)) {
        pieces.shares = static_cast<std::int32_t>(*other);
        pieces.shared_pieces = static_cast<std::int32_t>(block.pieces()) - 1; // all but the norm
    }
    if (blocks_.name(move.block).kind == BlockKind::group) {
        const Bytes page = blocks_.cache_bytes(move.block, 1);
        pieces.pieces.insert(pieces.pieces.end(), pages(), page);
    }
    return pieces;
}

std::vector<Bytes> Migration::held_before() const {
    std::vector<Bytes> held(transport_.size(), 0);
    for (std::size_t i = 0; i < from_.size(); ++i) {
        held[from_[i].index()] += blocks_.resident_bytes(BlockId(i), rows_, from_);
    }
    return held;
}

void Migration::copy_pieces() {
    std::vector<scheduler::PieceMove> piece_moves;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        const Move& move = moves_[i];
        weight_pieces_.push_back(shell(move).pieces());
        piece_moves.push_back(piece_move(i));
        if (move.to == self()) {
            resident_.add(move.block, shell(move));
        }
    }
    const Bytes staging = scheduler::staging_bytes(blocks_.shape());
    for (const scheduler::PieceStep& step :
         scheduler::migration_order(piece_moves, held_before(), staging)) {
        const auto move = static_cast<std::size_t>(step.move);
        const auto piece = static_cast<std::size_t>(step.piece);
        if (moves_[move].from == self()) {
            send_piece(move, piece);
        } else if (moves_[move].to == self()) {
            receive_piece(move, piece);
        }
    }
}

/// Where piece i of a move is read from, and its index there. A tied head that has no matrix of its
/// own lends embed's: both are laid out alike, matrix first, so what the head lacks at its front is
/// embed's.
Migration::Place Migration::source_of(std::size_t move, std::size_t piece) {
    model::Block& own = resident_.block(moves_[move].block);
    const std::size_t lent = weight_pieces_[move] - own.pieces();
    if (piece < lent) {
        return {&resident_.block(blocks_.embed()), piece};
    }
    return {&own, piece - lent};
}

std::vector<std::span<std::byte>> Migration::payload(std::size_t move, std::size_t piece) {
    if (piece >= weight_pieces_[move]) {
        const auto used =
            resident_.cache(moves_[move].block).used(piece - weight_pieces_[move], rows_);
        return {used.begin(), used.end()};
    }
    const Place place = moves_[move].from == self()
                            ? source_of(move, piece)
                            : Place{&resident_.block(moves_[move].block), piece};
    return {place.block->piece(place.index)};
}

void Migration::send_piece(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    const auto parts = payload(move, piece);
    WireHeader header;
    header.epoch = epoch_;
    header.turn = static_cast<std::int64_t>(piece);
    header.kind = -1;
    header.index = what.block.value;
    header.departure = departures_[move];
    std::vector<comm::ConstPart> outgoing{std::as_bytes(std::span(&header, 1))};
    for (const auto part : parts) {
        header.bytes += static_cast<Bytes>(part.size());
        header.checksum = checksum(part, header.checksum);
        outgoing.emplace_back(part);
    }
    comm::PendingSend send =
        transport_.start_synchronous_send(what.to, comm::Tag::migration, outgoing);
    transport_.wait(send, {"a migrated piece to be taken", -1, epoch_, -1});
    ++sent_pieces_[move];
    const auto other = partner(move);
    const bool other_needs_it =
        other && piece + 1 < weight_pieces_[move] && sent_pieces_[*other] <= piece;
    if (stays_in_use(what) || other_needs_it) {
        return; // removed with the last that needs it
    }
    if (piece >= weight_pieces_[move]) {
        resident_.cache(what.block).free_page(piece - weight_pieces_[move]);
    } else {
        const Place place = source_of(move, piece);
        place.block->free_piece(place.index);
    }
}

void Migration::receive_piece(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    if (piece >= weight_pieces_[move]) {
        resident_.cache(what.block).allocate_page();
    } else {
        (void)resident_.block(what.block).allocate_piece(piece);
    }
    WireHeader header;
    std::vector<comm::Part> incoming{std::as_writable_bytes(std::span(&header, 1))};
    const auto parts = payload(move, piece);
    incoming.insert(incoming.end(), parts.begin(), parts.end());
    transport_.receive(
        what.from, comm::Tag::migration, incoming, {"a migrated piece", -1, epoch_, -1}
    );
    HEADROOM_CHECK(
        header.epoch == epoch_ && header.index == what.block.value &&
            header.turn == static_cast<std::int64_t>(piece),
        "expected piece {} of block {}, epoch {}; got piece {} of block {}, epoch {}",
        piece,
        what.block.value,
        epoch_,
        header.turn,
        header.index,
        header.epoch
    );
    std::uint64_t sum = 0;
    for (const auto part : parts) {
        sum = checksum(part, sum);
    }
    if (sum != header.checksum) {
        throw EnvironmentError(fmt::format(
            "piece {} of {} arrived at device {} with checksum {:016x}, but left device {} with "
            "{:016x}: bytes were damaged on the way",
            piece,
            to_string(blocks_.name(what.block)),
            self().value,
            sum,
            what.from.value,
            header.checksum
        ));
    }
    departures_[move] = header.departure;
    sums_[move] = mix_bits(sums_[move] ^ sum);
}

/// Blocks that have left are forgotten; a tied head that stays takes over the matrix that embed
/// leaves behind.
void Migration::finish_sources() {
    if (tied() && here(from_, blocks_.embed()) && !here(to_, blocks_.embed()) &&
        here(from_, blocks_.lm_head()) && here(to_, blocks_.lm_head())) {
        resident_.block(blocks_.lm_head()).adopt_matrix(resident_.block(blocks_.embed()));
    }
    for (const Move& move : moves_) {
        if (move.from == self()) {
            resident_.remove(move.block);
        }
    }
}

std::vector<Arrived> Migration::arrive(device::DeviceClock& clock) {
    std::vector<Arrived> arrived;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        if (moves_[i].to == self()) {
            const Nanoseconds end = clock.serve(departures_[i], moves_[i].bytes);
            if (end == kNever) {
                throw StuckError(fmt::format(
                    "{} never gets into device {}: its ingress stays 0",
                    to_string(blocks_.name(moves_[i].block)),
                    self().value
                ));
            }
            clock.raise(end);
            arrived.push_back({moves_[i], departures_[i].begin, end, sums_[i]});
        }
    }
    return arrived;
}

} // namespace

std::vector<Arrived> migrate(
    Resident& resident,
    const scheduler::Placement& to,
    std::int64_t rows,
    std::int64_t epoch,
    Nanoseconds t_switch,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
) {
    return Migration(resident, to, rows, epoch, transport).run(t_switch, clock, sent_bytes);
}

} // namespace headroom::runtime
