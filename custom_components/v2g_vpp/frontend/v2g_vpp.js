// The dashboard of a home with bidirectional chargers.
//
// A strategy makes the views from what is registered, each time the dashboard is opened:
// a charger or a car that is added later is there by itself. Core cards only, because
// cards of others break with the user interface.

const PLATFORM = "v2g_vpp";
const STRATEGY = "v2g-vpp";

const WORDS = {
  en: {
    overview: "Overview", history: "History", events: "Events", wear: "Wear and health",
    home: "Home", power: "Power and setpoint", charge: "Charge and reserves",
    grid: "Grid", energy: "Energy", log: "What happened", stop: "Emergency stop",
    test: "The charger discharges the car a little for two to four minutes. Start now?",
    reset: "Is the cause gone, and is it safe? The chosen mode goes on at once.",
    sure: "Do you want this now?",
    empty: "Nothing is set up yet. Add a charger and a car at the integration.",
  },
  de: {
    overview: "Übersicht", history: "Verlauf", events: "Ereignisse",
    wear: "Verschleiß und Zustand", home: "Zuhause", power: "Leistung und Sollwert",
    charge: "Ladestand und Reserven", grid: "Netz", energy: "Energie",
    log: "Was geschah", stop: "Not-Stopp",
    test: "Die Ladestation entlädt das Auto zwei bis vier Minuten lang ein wenig. Jetzt starten?",
    reset: "Ist die Ursache weg, und ist es sicher? Der gewählte Modus geht sofort weiter.",
    sure: "Möchtest du das jetzt?",
    empty: "Noch ist nichts eingerichtet. Füge bei der Integration eine Ladestation und ein Auto hinzu.",
  },
  nl: {
    overview: "Overzicht", history: "Verloop", events: "Gebeurtenissen",
    wear: "Slijtage en toestand", home: "Thuis", power: "Vermogen en setpoint",
    charge: "Lading en reserves", grid: "Net", energy: "Energie",
    log: "Wat er gebeurde", stop: "Noodstop",
    test: "De laadpaal ontlaadt de auto twee tot vier minuten lang een beetje. Nu starten?",
    reset: "Is de oorzaak weg en is het veilig? De gekozen modus gaat meteen verder.",
    sure: "Wil je dit nu?",
    empty: "Er is nog niets ingesteld. Voeg bij de integratie een laadpaal en een auto toe.",
  },
  fr: {
    overview: "Aperçu", history: "Historique", events: "Événements",
    wear: "Usure et état", home: "Maison", power: "Puissance et consigne",
    charge: "Charge et réserves", grid: "Réseau", energy: "Énergie",
    log: "Ce qui s'est passé", stop: "Arrêt d'urgence",
    test: "La borne décharge un peu la voiture pendant deux à quatre minutes. Lancer maintenant ?",
    reset: "La cause a-t-elle disparu, et est-ce sans danger ? Le mode choisi reprend aussitôt.",
    sure: "Voulez-vous le faire maintenant ?",
    empty: "Rien n'est encore configuré. Ajoutez une borne et une voiture à l'intégration.",
  },
};

/** What is registered, by device. */
class Registered {
  constructor(hass) {
    const language = (hass.locale?.language || hass.language || "en").split("-")[0];
    this.words = WORDS[language] || WORDS.en;
    this.hass = hass;
    this.byDevice = new Map();
    for (const entity of Object.values(hass.entities)) {
      if (entity.platform !== PLATFORM || entity.hidden || !entity.device_id) continue;
      if (!this.byDevice.has(entity.device_id)) this.byDevice.set(entity.device_id, []);
      this.byDevice.get(entity.device_id).push(entity);
    }
    this.parts = [...this.byDevice.keys()]
      .map((id) => new Part(this, id))
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  with(domain, key) {
    return this.parts.filter((part) => part.find(domain, key));
  }

  get outlets() { return this.with("select", "mode"); }
  get vehicles() { return this.with("number", "reserve"); }
  get programmes() { return this.with("switch", "participation"); }
  get homes() { return this.with("sensor", "available_up"); }
}

/** One device and its entities. */
class Part {
  constructor(registered, id) {
    const device = registered.hass.devices[id] || {};
    this.entities = registered.byDevice.get(id);
    const name = device.name_by_user || device.name || "";
    const parent = registered.hass.devices[device.parent_device_id];
    const above = parent ? parent.name_by_user || parent.name : "";
    this.name = above ? `${above} · ${name}` : name;
  }

  find(domain, key) {
    const found = this.entities.find(
      (entity) =>
        entity.translation_key === key && entity.entity_id.startsWith(`${domain}.`),
    );
    return found ? found.entity_id : undefined;
  }

  /** An entity without a translation key of its own, by its domain and device class. */
  ofClass(hass, domain, deviceClass) {
    const found = this.entities.find(
      (entity) =>
        entity.entity_id.startsWith(`${domain}.`) &&
        hass.states[entity.entity_id]?.attributes.device_class === deviceClass,
    );
    return found ? found.entity_id : undefined;
  }
}

const heading = (text, icon) => ({
  type: "heading", heading: text, heading_style: "title", ...(icon && { icon }),
});

const pressing = (entity, question) => ({
  action: "perform-action", perform_action: "button.press",
  target: { entity_id: entity }, ...(question && { confirmation: { text: question } }),
});

/** A button presses where it is touched. */
const touched = (entity, question) => {
  const tap = pressing(entity, question);
  // When it was pressed last says nothing.
  return { hide_state: true, tap_action: tap, icon_tap_action: tap };
};

const tile = (entity, options = {}) =>
  // The heading names the device; a tile needs only what it shows of it.
  entity && { type: "tile", entity, name: { type: "entity" }, ...options };

/** A button that asks before it presses. */
const button = (entity, question, options = {}) =>
  entity && tile(entity, { ...touched(entity, question), ...options });

/** Shown only while an entity has one of these states, or none of those. */
const whileState = (entity, states) => ({
  visibility: [{ condition: "state", entity, ...states }],
});


const FULL = { grid_options: { columns: "full" } };

const wide = (entity, options = {}) => tile(entity, { ...FULL, ...options });

/** Shown only while there is something to show: of a trip or an event that is planned. */
const known = (entity, besides) =>
  entity &&
  wide(
    entity,
    whileState(entity, { state_not: ["unknown", "unavailable", ...(besides || [])] }),
  );

const slider = (entity) =>
  wide(entity, {
    features_position: "bottom",
    features: [{ type: "numeric-input", style: "slider" }],
  });

const graph = (title, entities, hours) => {
  const known = entities.filter(Boolean);
  return (
    known.length > 0 && {
      type: "history-graph", title, hours_to_show: hours,
      grid_options: { columns: "full" },
      entities: known.map((entity) => ({ entity })),
    }
  );
};

const section = (...cards) => ({ type: "grid", cards: cards.filter(Boolean) });

/** Only sections that hold more than their heading. */
const filled = (sections) => sections.filter((one) => one.cards.length > 1);

const view = (path, title, icon, sections) => ({
  type: "sections", path, title, icon, max_columns: 3, sections: filled(sections),
});

/** The emergency stop asks nothing: whoever presses it means it. */
function press(words, entity) {
  return wide(entity, {
    name: words.stop, icon: "mdi:hand-back-left", color: "red", ...touched(entity),
  });
}

/** What comes next, where one looks first: the proof, and the way out of a stop. */
function nextSteps(words, part) {
  const proof = part.find("sensor", "self_test");
  const latch = part.find("binary_sensor", "emergency_stop");
  return [
    proof && button(part.find("button", "self_test"), words.test, {
      ...FULL, ...whileState(proof, { state: ["not_run", "failed"] }),
    }),
    latch && button(part.find("button", "reset_emergency_stop"), words.reset, {
      ...FULL, ...whileState(latch, { state: "on" }),
    }),
  ];
}

function outletSection(all, part) {
  const power = part.ofClass(all.hass, "sensor", "power");
  return section(
    heading(part.name, "mdi:ev-station"),
    wide(part.find("sensor", "state")),
    wide(part.find("sensor", "reason")),
    wide(part.find("sensor", "discharge_blocked_by")),
    ...nextSteps(all.words, part),
    tile(power, { features: [{ type: "trend-graph", hours_to_show: 3 }], features_position: "bottom" }),
    tile(part.find("sensor", "setpoint"), { features: [{ type: "trend-graph", hours_to_show: 3 }], features_position: "bottom" }),
    wide(part.find("sensor", "control_owner")),
    wide(part.find("sensor", "self_test")),
    wide(part.find("select", "mode"), {
      features_position: "bottom", features: [{ type: "select-options" }],
    }),
    wide(part.find("switch", "discharge_allowed")),
    press(all.words, part.find("button", "emergency_stop")),
  );
}

function vehicleSection(part) {
  return section(
    heading(part.name, "mdi:car-electric"),
    wide(part.find("sensor", "soc"), {
      features_position: "bottom", features: [{ type: "bar-gauge" }],
    }),
    // On a phone half a line cuts the longer names off.
    wide(part.find("sensor", "active_floor")),
    wide(part.find("sensor", "energy_above_floor")),
    slider(part.find("number", "reserve")),
    slider(part.find("number", "vpp_reserve")),
    slider(part.find("number", "ready_soc")),
    tile(part.find("time", "ready_by")),
    tile(part.find("switch", "may_discharge")),
    known(part.find("sensor", "ready_at")),
    wide(part.find("sensor", "cycle_budget_left")),
  );
}

function homeSection(all, part) {
  return section(
    heading(all.words.home, "mdi:home-lightning-bolt"),
    tile(part.find("sensor", "grid_power")),
    tile(part.find("sensor", "home_load")),
    wide(part.find("sensor", "available_up")),
    wide(part.find("sensor", "available_down")),
  );
}

function programmeSection(words, part) {
  const leave = part.find("button", "opt_out_of_event");
  return section(
    heading(part.name, "mdi:transmission-tower"),
    tile(part.find("switch", "participation")),
    tile(part.find("binary_sensor", "event_active")),
    // A command of the operator needs no event, and then nothing is known of one.
    known(part.find("sensor", "event_direction"), ["nothing"]),
    known(part.find("sensor", "event_start")),
    known(part.find("sensor", "event_end")),
    known(part.find("sensor", "event_price")),
    button(leave, words.sure, leave && {
      ...FULL, ...whileState(leave, { state_not: ["unavailable"] }),
    }),
    wide(part.find("sensor", "earnings_month")),
    wide(part.find("sensor", "committed_energy")),
    wide(part.find("sensor", "delivered_energy")),
    wide(part.find("sensor", "performance_score")),
  );
}

function overview(all) {
  const { words } = all;
  return view("overview", words.overview, "mdi:view-dashboard", [
    ...all.outlets.map((part) => outletSection(all, part)),
    ...all.vehicles.map(vehicleSection),
    ...all.programmes.map((part) => programmeSection(words, part)),
    ...all.homes.map((part) => homeSection(all, part)),
  ]);
}

function history(all) {
  const { words, hass } = all;
  return view("history", words.history, "mdi:chart-line", [
    ...all.outlets.map((part) =>
      section(
        heading(part.name, "mdi:ev-station"),
        graph(
          words.power,
          [part.ofClass(hass, "sensor", "power"), part.find("sensor", "setpoint")],
          12,
        ),
        energies(hass, words, part),
      ),
    ),
    ...all.vehicles.map((part) =>
      section(
        heading(part.name, "mdi:car-electric"),
        graph(
          words.charge,
          [
            part.find("sensor", "soc"),
            part.find("sensor", "active_floor"),
            part.find("number", "reserve"),
            part.find("number", "vpp_reserve"),
          ],
          24,
        ),
      ),
    ),
    ...all.homes.map((part) =>
      section(
        heading(words.home, "mdi:home-lightning-bolt"),
        graph(
          words.grid,
          [part.find("sensor", "grid_power"), part.find("sensor", "home_load")],
          12,
        ),
      ),
    ),
  ]);
}

/** A virtual car has no statistics, on purpose. */
function energies(hass, words, part) {
  const entities = [
    part.find("sensor", "energy_charged"),
    part.find("sensor", "energy_discharged"),
  ].filter((entity) => hass.states[entity]?.attributes.state_class);
  return (
    entities.length > 0 && {
      type: "statistics-graph", title: words.energy, entities,
      period: "day", days_to_show: 14, stat_types: ["change"], chart_type: "bar",
      grid_options: { columns: "full" },
    }
  );
}

function events(all) {
  const { words } = all;
  const told = all.parts.flatMap((part) =>
    part.entities
      .map((entity) => entity.entity_id)
      .filter((id) => id.startsWith("event.")),
  );
  const calendars = all.parts.flatMap((part) =>
    part.entities
      .map((entity) => entity.entity_id)
      .filter((id) => id.startsWith("calendar.")),
  );
  return view("events", words.events, "mdi:calendar-clock", [
    ...all.programmes.map((part) => programmeSection(words, part)),
    section(
      heading(words.events, "mdi:calendar"),
      calendars.length > 0 && {
        type: "calendar", entities: calendars, initial_view: "listWeek",
        grid_options: { columns: "full" },
      },
    ),
    section(
      heading(words.log, "mdi:text-box-outline"),
      told.length > 0 && {
        type: "logbook", target: { entity_id: told }, hours_to_show: 72,
        grid_options: { columns: "full", rows: 10 },
      },
    ),
  ]);
}

function wear(all) {
  const { words } = all;
  const some = (part, pairs) =>
    pairs.map(([domain, key]) => tile(part.find(domain, key)));
  return view("wear", words.wear, "mdi:heart-pulse", [
    ...all.outlets.map((part) =>
      section(
        heading(part.name, "mdi:ev-station"),
        ...some(part, [
          ["binary_sensor", "ready_to_discharge"],
          ["sensor", "stops_by_itself_within"],
          ["sensor", "dead_time"],
          ["sensor", "handle_temperature"],
          ["sensor", "derate"],
          ["sensor", "contactor_operations"],
          ["sensor", "contactor_life"],
          ["sensor", "idle_awake_hours"],
          ["sensor", "ev_link_drops_today"],
          ["sensor", "profile_writes_today"],
        ]),
        button(part.find("button", "self_test"), words.test),
        button(part.find("button", "return_to_automatic"), words.sure),
        button(part.find("button", "reset_emergency_stop"), words.reset),
      ),
    ),
    ...all.vehicles.map((part) =>
      section(
        heading(part.name, "mdi:car-electric"),
        ...some(part, [
          ["sensor", "wear_cost"],
          ["sensor", "equivalent_cycles"],
          ["binary_sensor", "v2g_capable"],
          ["number", "cycle_budget"],
          ["number", "max_soc"],
        ]),
      ),
    ),
    ...all.programmes.map((part) =>
      section(
        heading(part.name, "mdi:transmission-tower"),
        ...some(part, [
          ["binary_sensor", "link"],
          ["sensor", "certificate_days_left"],
        ]),
      ),
    ),
  ]);
}

class V2gVppStrategy extends HTMLElement {
  static async generate(_config, hass) {
    const all = new Registered(hass);
    if (all.parts.length === 0) {
      const text = { type: "markdown", content: all.words.empty };
      return { views: [{ title: all.words.overview, cards: [text] }] };
    }
    const views = [overview(all), history(all), events(all), wear(all)];
    return { views: views.filter((one) => one.sections.length > 0) };
  }
}

const ELEMENT = `ll-strategy-dashboard-${STRATEGY}`;
const define = () => {
  const registry = window.customElements;
  if (!registry.get(ELEMENT)) registry.define(ELEMENT, class extends V2gVppStrategy {});
};

define();
// While it starts, the user interface may replace the registry of elements by one of its
// own, which knows nothing of what was defined before.
window.customElements.whenDefined("home-assistant").then(define);

window.customStrategies = window.customStrategies || [];
window.customStrategies.push({
  type: STRATEGY,
  strategyType: "dashboard",
  name: "V2G Virtual Power Plant",
  description: "Chargers, cars, events and wear of this home, made by itself.",
});
