#include "runtime/device/migration.hpp"

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "runtime/device/move_times.hpp"
#include "runtime/messages/wire.hpp"

namespace headroom::runtime {

namespace {

using scheduler::Move;

/// The migration as this device takes part in it.
class Migration {
  public:
    Migration(
        Resident& resident,
        const MigrationOrder& order,
        device::DeviceClock& clock,
        comm::Transport& transport
    )
        : resident_(resident), blocks_(resident.blocks()), order_(order), transport_(transport),
          plan_(resident, order.transition, transport.size()), moves_(plan_.moves()),
          times_(moves_, blocks_, resident.self(), clock), sums_(moves_.size(), 0),
          gone_(moves_.size(), 0) {}

    std::vector<Arrived> run(std::span<Bytes> sent_bytes);

  private:
    void copy_pieces();
    void send_piece(std::size_t move, std::size_t piece);
    void free_piece(std::size_t move, std::size_t piece);
    void take_piece(std::size_t move, std::size_t piece);
    void load_piece(std::size_t move, std::size_t piece);
    void compare(std::size_t move, std::size_t piece, std::uint64_t sum, std::uint64_t expected);
    void finish_sources();
    std::vector<Arrived> arrive();

    struct Place {
        model::Block* block;
        std::size_t index;
    };
    [[nodiscard]] Place source_of(std::size_t move, std::size_t piece);
    [[nodiscard]] std::vector<std::span<std::byte>> bytes_of(std::size_t move, std::size_t piece);
    [[nodiscard]] DeviceId self() const { return resident_.self(); }
    [[nodiscard]] comm::Waiting waiting(std::string_view what) const {
        return {what, -1, order_.epoch, -1};
    }

    Resident& resident_;
    const scheduler::Blocks& blocks_;
    const MigrationOrder& order_;
    comm::Transport& transport_;
    const MigrationPlan plan_;
    const std::vector<Move>& moves_;
    MoveTimes times_;
    std::vector<std::uint64_t> sums_; ///< at the target, of what has come
    std::vector<std::size_t> gone_;   ///< at the source: pieces that the target has
};

std::vector<Arrived> Migration::run(std::span<Bytes> sent_bytes) {
    if (resident_.has_workspace()) {
        resident_.workspace().settle(transport_, waiting("sends before a migration"));
        resident_.workspace().release_staging();
    }
    times_.begin(order_.t_switch, sent_bytes);
    if (plan_.tied().drops_own(self())) {
        resident_.block(blocks_.lm_head()).release_matrix();
    }
    copy_pieces();
    finish_sources();
    std::vector<Arrived> arrived = arrive();
    resident_.install(order_.transition.to);
    return arrived;
}

void Migration::copy_pieces() {
    const std::vector<scheduler::PieceStep> steps = plan_.order();
    for (const Move& move : moves_) {
        if (move.to == self()) {
            resident_.add(move.block, resident_.make_block(move.block, order_.transition.to));
        }
    }
    for (const scheduler::PieceStep& step : steps) {
        const auto move = static_cast<std::size_t>(step.move);
        const auto piece = static_cast<std::size_t>(step.piece);
        if (moves_[move].from == self()) {
            send_piece(move, piece);
            free_piece(move, piece);
        } else if (moves_[move].to == self()) {
            take_piece(move, piece);
        }
    }
}

/// Where piece i of a leaving move's weights is read from, and its index there. A tied head that
/// has no matrix of its own lends embed's: both are laid out alike, matrix first, so what the head
/// lacks at its front is embed's.
Migration::Place Migration::source_of(std::size_t move, std::size_t piece) {
    model::Block& own = resident_.block(moves_[move].block);
    const std::size_t lent = plan_.weight_pieces(move) - own.pieces();
    if (piece < lent) {
        return {&resident_.block(blocks_.embed()), piece};
    }
    return {&own, piece - lent};
}

/// A piece's storage on this device, source or target; of a cache page the used parts.
std::vector<std::span<std::byte>> Migration::bytes_of(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    if (!plan_.is_weight(move, piece)) {
        const CachePage place = plan_.cache_page(move, piece);
        const std::int64_t rows = order_.transition.rows[static_cast<std::size_t>(place.slot)];
        const auto used = resident_.cache(what.block, place.slot).used(place.page, rows);
        return {used.begin(), used.end()};
    }
    const Place place =
        what.from == self() ? source_of(move, piece) : Place{&resident_.block(what.block), piece};
    return {place.block->piece(place.index)};
}

/// The piece, or its checksum alone where the target has it on its storage.
void Migration::send_piece(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    WireHeader header;
    header.epoch = order_.epoch;
    header.turn = static_cast<std::int64_t>(piece);
    header.kind = -1;
    header.index = what.block.value;
    header.departure = times_.departure(move);
    std::vector<comm::ConstPart> outgoing{std::as_bytes(std::span(&header, 1))};
    for (const auto part : bytes_of(move, piece)) {
        header.checksum = checksum(part, header.checksum);
        if (plan_.is_sent(move, piece)) {
            header.bytes += static_cast<Bytes>(part.size());
            outgoing.emplace_back(part);
        }
    }
    comm::PendingSend send =
        transport_.start_synchronous_send(what.to, comm::Tag::migration, outgoing);
    transport_.wait(send, waiting("a migrated piece to be taken"));
}

/// Frees what the target now has, unless something here goes on using it.
void Migration::free_piece(std::size_t move, std::size_t piece) {
    ++gone_[move];
    const auto sharer = plan_.sharer(move, piece);
    const bool other_needs_it = sharer && gone_[*sharer] <= piece;
    if (plan_.tied().stays_in_use(moves_[move]) || other_needs_it) {
        return; // removed with the last that needs it
    }
    if (plan_.is_weight(move, piece)) {
        const Place place = source_of(move, piece);
        place.block->free_piece(place.index);
    } else {
        const CachePage place = plan_.cache_page(move, piece);
        resident_.cache(moves_[move].block, place.slot).free_page(place.page);
    }
}

void Migration::take_piece(std::size_t move, std::size_t piece) {
    const Move& what = moves_[move];
    if (plan_.is_weight(move, piece)) {
        (void)resident_.block(what.block).allocate_piece(piece);
    } else {
        resident_.cache(what.block, plan_.cache_page(move, piece).slot).allocate_page();
    }
    const auto parts = bytes_of(move, piece);
    WireHeader header;
    std::vector<comm::Part> incoming{std::as_writable_bytes(std::span(&header, 1))};
    if (plan_.is_sent(move, piece)) {
        incoming.insert(incoming.end(), parts.begin(), parts.end());
    } else {
        load_piece(move, piece);
    }
    transport_.receive(what.from, comm::Tag::migration, incoming, waiting("a migrated piece"));
    HEADROOM_CHECK(
        header.epoch == order_.epoch && header.index == what.block.value &&
            header.turn == static_cast<std::int64_t>(piece),
        "expected piece {} of block {}, epoch {}; got piece {} of block {}, epoch {}",
        piece,
        what.block.value,
        order_.epoch,
        header.turn,
        header.index,
        header.epoch
    );
    std::uint64_t sum = 0;
    for (const auto part : parts) {
        sum = checksum(part, sum);
    }
    compare(move, piece, sum, header.checksum);
    times_.set_departure(move, header.departure);
    sums_[move] = mix_bits(sums_[move] ^ sum);
}

void Migration::load_piece(std::size_t move, std::size_t piece) {
    try {
        resident_.storage().read(resident_.block(moves_[move].block), piece);
    } catch (const EnvironmentError& error) {
        throw EnvironmentError(fmt::format(
            "device {} ({}) cannot load {} from its own storage: {}",
            self().value,
            order_.device_name,
            to_string(blocks_.name(moves_[move].block)),
            error.what()
        ));
    }
}

void Migration::compare(
    std::size_t move, std::size_t piece, std::uint64_t sum, std::uint64_t expected
) {
    if (sum == expected) {
        return;
    }
    const Move& what = moves_[move];
    const std::string name = to_string(blocks_.name(what.block));
    if (!plan_.is_sent(move, piece)) {
        throw EnvironmentError(fmt::format(
            "device {} ({}) has other weights of {} in {} than device {} holds (piece {}: checksum "
            "{:016x} instead of {:016x}); put the same model file there, or let weights be sent "
            "(weights = \"move\")",
            self().value,
            order_.device_name,
            name,
            resident_.storage().path().string(),
            what.from.value,
            piece,
            sum,
            expected
        ));
    }
    throw EnvironmentError(fmt::format(
        "piece {} of {} arrived at device {} with checksum {:016x}, but left device {} with "
        "{:016x}: bytes were damaged on the way",
        piece,
        name,
        self().value,
        sum,
        what.from.value,
        expected
    ));
}

/// Blocks that have left are forgotten; a tied head that stays takes over the matrix that embed
/// leaves behind.
void Migration::finish_sources() {
    if (plan_.tied().is_inherited(self())) {
        resident_.block(blocks_.lm_head()).adopt_matrix(resident_.block(blocks_.embed()));
    }
    for (const Move& move : moves_) {
        if (move.from == self()) {
            resident_.remove(move.block);
        }
    }
}

std::vector<Arrived> Migration::arrive() {
    std::vector<Arrived> arrived;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        if (moves_[i].to == self()) {
            const device::Interval time = times_.arrive(i);
            arrived.push_back({moves_[i], time.start, time.end, sums_[i]});
        }
    }
    return arrived;
}

} // namespace

std::vector<Arrived> migrate(
    Resident& resident,
    const MigrationOrder& order,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
) {
    return Migration(resident, order, clock, transport).run(sent_bytes);
}

} // namespace headroom::runtime
