"""O ritmo das lições (§3 do desenho): poucas células à vista, um exercício logo e sempre por perto, nenhum nome antes da hora."""

import re

import pytest

import ritmo
from cadernos import CAPITULO, celulas, numeradas, texto

LICOES = numeradas()
cada = pytest.mark.parametrize("licao", LICOES, ids=lambda licao: licao.stem)


@cada
def test_a_licao_cabe_no_seu_ritmo(licao):
    assert ritmo.queixas(licao) == []


def test_nenhum_nome_do_pytorch_aparece_antes_de_explicado():
    assert [(licao.stem[:2], id, nome) for licao, id, nome in ritmo.antes_da_hora(LICOES)] == []


def test_a_primeira_hora_nao_usa_pytorch():
    assert [nome for celula in ritmo.visiveis(LICOES[0]) for nome in ritmo.nomes_usados(celula)] == []


@cada
def test_um_texto_traz_no_maximo_tres_nomes_novos(licao):
    ditos = set()
    for outra in LICOES[: LICOES.index(licao)]:
        ditos |= {nome for c in celulas(outra) if c["cell_type"] == "markdown" for nome in ritmo.nomes_ditos(texto(c))}
    usados = {nome.rpartition(".")[2] for celula in ritmo.visiveis(licao) for nome in ritmo.nomes_usados(celula)}
    for celula in celulas(licao):
        if celula["cell_type"] == "markdown":
            novos = (ritmo.nomes_ditos(ritmo.sem_dobras(texto(celula))) & usados) - ditos
            assert len(novos) <= 3, f"{celula['id']}: {sorted(novos)}"
            ditos |= novos


def test_o_guia_de_quem_ensina_diz_os_minutos_das_licoes():
    guia = (CAPITULO / "professor.md").read_text(encoding="utf-8")
    for licao in LICOES:
        achado = re.search(rf"^\| \[{licao.stem[:2]}\]\({licao.name}\) \| [^|]+ \| (\d+) \|", guia, re.MULTILINE)
        assert achado, f"falta a lição {licao.stem[:2]} na tabela dos minutos"
        assert abs(int(achado[1]) / ritmo.minutos(licao) - 1) <= 0.15, f"{licao.stem}: {achado[1]} minutos no guia, {ritmo.minutos(licao):.0f} contados"


def test_o_contador_de_nomes_ve_o_que_falta():
    """O contador não é cego: um nome posto numa célula visível, e em texto nenhum, é achado."""
    achados = ritmo.nomes_usados({"source": ["y = torch.logspace(0, 1, 3).cosh()\n", "z = nn.Bilinear(1, 1, 1)(y, y).trunc()"]})
    assert {"torch.logspace", ".cosh", "nn.Bilinear", ".trunc"} <= set(achados)
    assert "logspace" in ritmo.nomes_ditos("Use `torch.logspace(0, 1, 3)`.") and "logspace" not in ritmo.nomes_ditos("Use logspace.")
